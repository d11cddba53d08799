#include "reconciler/proof.h"

#include "reconciler/alias.h"
#include "reconciler/firewall.h"
#include "reconciler/row.h"
#include "reconciler/running_config.h"
#include "reconciler/socket_place.h"
#include "reconciler/vmm_environment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bottle {
namespace {

Evidence evidence(EvidenceKind kind, Verdict verdict, std::string reading, std::string digest = {}) {
    return {kind, verdict, std::move(reading), std::move(digest)};
}

template <class T>
Evidence not_there(EvidenceKind kind, const char* what, const Observation<T>& observation) {
    return evidence(kind, Verdict::Unknown, observation.unknown() ? fmt::format("{} could not be read: {}", what, observation.why())
                                                                  : fmt::format("{} is not there", what));
}

Evidence row_evidence(const Desired& desired, const MachineView& machine) {
    if (!machine.row.present()) return not_there(EvidenceKind::Row, "the machine's row", machine.row);
    if (!machine.row_digest.present()) return not_there(EvidenceKind::Row, "the row's digest", machine.row_digest);
    const auto problems = compare_row(machine.row->data, desired.machine, RowStage::Confined);
    if (!machine.row->is_blob) return evidence(EvidenceKind::Row, Verdict::Fails, "the row is TEXT: smolvm cannot read it again");
    if (!problems.empty()) return evidence(EvidenceKind::Row, Verdict::Fails, problems.front().text, *machine.row_digest);
    auto reading = desired.machine.socket ? fmt::format("no network, and the one socket in it is {}", desired.machine.socket->host_path)
                                          : fmt::format("allowlist is exactly {}, {}", desired.machine.allowed_cidr, desired.machine.tsi ? "no name server in it" : "names closed");
    return evidence(EvidenceKind::Row, Verdict::Holds, std::move(reading), *machine.row_digest);
}

bool known_binary(const FileIdentity& file, const std::vector<FileIdentity>& known) {
    return std::any_of(known.begin(), known.end(), [&](const FileIdentity& k) {
        return k.device == file.device && k.inode == file.inode && k.size == file.size && k.mtime_ns == file.mtime_ns && k.ctime_ns == file.ctime_ns;
    });
}

std::string not_verified(const FileIdentity& executable) {
    return "its executable is not the smolvm that was verified: " + executable.path;
}

std::string doubt_of_files(const VmmProcess& vmm, const StartRecord& start) {
    if (!known_binary(vmm.executable, start.binaries)) return not_verified(vmm.executable);
    if (vmm.libraries.empty()) return "no libkrun is mapped in it";
    for (const auto& library : vmm.libraries) {
        if (!known_binary(library, start.binaries)) return "a mapped library is not the one that was verified: " + library.path;
    }
    return environment_doubt(vmm, start.binaries);
}

/// A VMM makes itself undumpable, so that nobody but root may look into it (1.32.2); of one that does not, its mapped libraries are root's to see all the
/// same. That it descends from the smolvm that was verified and started with our own environment was seen at the start; since then its files must be as
/// they were, and so must be what is shown of the process.
std::string doubt_of_hidden(const Desired& desired, const Snapshot& snapshot, const VmmProcess& vmm) {
    if (desired.allocation.vmm_uid != 0) return "it cannot be looked into: " + vmm.hidden;
    const auto& now = snapshot.machine.started_files;
    if (!now.present()) return "smolvm's files cannot be looked at again: " + (now.unknown() ? now.why() : std::string("one is gone"));
    const auto& binaries = snapshot.stored->start->binaries;
    if (*now != binaries) return "smolvm's files changed since it was started";
    if (vmm.executable.path.empty()) return {};
    if (!known_binary(vmm.executable, binaries)) return not_verified(vmm.executable);
    return environment_doubt(vmm, binaries);
}

std::string process_doubt(const Desired& desired, const Snapshot& snapshot, const VmmProcess& vmm) {
    const auto& start = snapshot.stored->start;
    if (!start) return "no start of ours is recorded for it";
    if (start->boot_id != snapshot.host.boot_id || start->pid != vmm.pid || start->start_time != vmm.start_time) {
        return fmt::format("process {} is not the one that our last start made", vmm.pid);
    }
    if (!snapshot.machine.row_digest.present() || start->row_digest != *snapshot.machine.row_digest) {
        return "the row is another than the one verified before the start";
    }
    const auto hints = read_row_hints(snapshot.machine.row->data);
    if (!hints || hints->state != "running" || hints->pid != vmm.pid || hints->pid_start_time != vmm.start_time) {
        return fmt::format("the row does not say that it runs as process {}", vmm.pid);
    }
    if (vmm.uid != desired.vmm_uid) {
        return fmt::format("it runs as uid {}, not as {}", vmm.uid, desired.vmm_uid);
    }
    return vmm.hidden.empty() ? doubt_of_files(vmm, *start) : doubt_of_hidden(desired, snapshot, vmm);
}

/// What the reading rests on is said with it: without root it is less.
std::string process_reading(const Desired& desired, const VmmProcess& vmm) {
    auto text = fmt::format("process {} of our own start, uid {}", vmm.pid, vmm.uid);
    if (desired.allocation.vmm_uid == 0) text += ", the user's own: behind the VM stands no other wall";
    if (vmm.hidden.empty()) return text + ", verified smolvm and libkrun";
    text += "; made by the verified smolvm, whose files are as they were";
    return text + (vmm.executable.path.empty() ? " (only root can look into the process itself)" : " (only root can see which libraries it maps)");
}

Evidence process_evidence(const Desired& desired, const Snapshot& snapshot) {
    if (!desired.forbidden.empty()) return evidence(EvidenceKind::Process, Verdict::Fails, "it must not run: " + desired.forbidden);
    const auto& processes = snapshot.machine.processes;
    if (!processes.present()) return not_there(EvidenceKind::Process, "the VMM's process", processes);
    if (processes->size() != 1) {
        return evidence(EvidenceKind::Process, Verdict::Fails, fmt::format("{} processes run this machine, not one", processes->size()));
    }
    if (!snapshot.stored.present()) return not_there(EvidenceKind::Process, "our own record of the start", snapshot.stored);
    if (!snapshot.machine.row.present()) return not_there(EvidenceKind::Process, "the machine's row", snapshot.machine.row);
    const auto& vmm = processes->front();
    const auto doubt = process_doubt(desired, snapshot, vmm);
    if (!doubt.empty()) return evidence(EvidenceKind::Process, Verdict::Fails, doubt);
    return evidence(EvidenceKind::Process, Verdict::Holds, process_reading(desired, vmm),
                    binaries_text(snapshot.stored->start->binaries));
}

Evidence config_evidence(const Desired& desired, const MachineView& machine, const SmolvmBuild& smolvm) {
    if (!machine.running_config.present()) return not_there(EvidenceKind::Config, "agent.config.json", machine.running_config);
    if (!machine.live_channels.present()) return not_there(EvidenceKind::Config, "the VM folder", machine.live_channels);
    if (!machine.live_channels->empty()) {
        return evidence(EvidenceKind::Config, Verdict::Fails,
                        fmt::format("{} is there: the running machine can be opened through it without a trace", fmt::join(*machine.live_channels, ", ")));
    }
    const auto problems = compare_running_config(*machine.running_config, desired.machine, smolvm);
    if (!problems.empty()) return evidence(EvidenceKind::Config, Verdict::Fails, problems.front().text);
    if (desired.machine.tsi) {
        return evidence(EvidenceKind::Config, Verdict::Holds, "the running configuration is as requested; this smolvm is known to have no channel that changes it (source)");
    }
    // A line written to egress.sock in the moment before the seal leaves no trace (1.32.2): what it opens, only the kernel's wall shuts.
    const char* moment = desired.firewall ? "" : "; between start and seal nothing but the VM folder's mode forbade them";
    return evidence(EvidenceKind::Config, Verdict::Holds, fmt::format("the running configuration is as requested, live changes sealed{}", moment));
}

/// What the route is to a machine with a network. That infra listens is the guest's evidence: it is keyed by this very file.
Evidence socket_evidence(const SocketFolder& folder, const Snapshot& snapshot, const ObservedNetwork& network) {
    const auto kind = EvidenceKind::Bundle;
    if (snapshot.socket_place.unknown()) return not_there(kind, "the folder of the mounted socket", snapshot.socket_place);
    std::string problem;
    const auto socket = socket_identity(snapshot.socket_place, folder, problem);
    if (socket.empty()) return evidence(kind, Verdict::Fails, problem);
    return evidence(kind, Verdict::Holds, fmt::format("only the bundle is on {}, and the mounted socket in {} is infra's", network.is.name, folder.path),
                    fmt::format("{} {}", network.id, socket));
}

Evidence bundle_evidence(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes) {
    const auto kind = EvidenceKind::Bundle;
    if (!snapshot.docker.present()) return not_there(kind, "Docker", snapshot.docker);
    for (const auto& change : changes) {
        if (change.reach == Reach::Wider) return evidence(kind, Verdict::Fails, in_words(change));
    }
    const auto* network = find_network(*snapshot.docker, desired.networks.front().name);
    if (network == nullptr) return evidence(kind, Verdict::Fails, "the internal network is not there");
    if (desired.socket_folder) return socket_evidence(*desired.socket_folder, snapshot, *network);
    if (desired.machine.tsi) {
        std::string reading;
        const auto verdict = judge_alias(desired, snapshot, reading);
        return evidence(kind, verdict, std::move(reading), network->id);
    }
    if (!snapshot.route.present()) return not_there(kind, "a route to the bundle address", snapshot.route);
    const auto& route = *snapshot.route;
    if (route.device != bridge_of(*network) || route.local || route.via_gateway) {
        return evidence(kind, Verdict::Fails, fmt::format("the kernel routes {} to {}, not to the bridge {} of our network", desired.bundle_address,
                                                          route.device, bridge_of(*network)));
    }
    return evidence(kind, Verdict::Holds, fmt::format("only the bundle is on {}, and {} leads to it", network->is.name, desired.bundle_address), network->id);
}

Evidence no_firewall_evidence(const Desired& desired, const SmolvmBuild& smolvm) {
    return evidence(EvidenceKind::Firewall, Verdict::Fails,
                    fmt::format("smolvm {} logs no refusals: without a firewall nothing on the host tells of one ({})", smolvm.version, desired.no_firewall));
}

Evidence firewall_evidence(const FirewallRules& rules, const Snapshot& snapshot, const SmolvmBuild& smolvm) {
    const auto kind = EvidenceKind::Firewall;
    if (snapshot.firewall.unknown()) return not_there(kind, "the firewall", snapshot.firewall);
    const auto table = firewall_table(rules.uid);
    if (snapshot.firewall.absent()) return evidence(kind, Verdict::Fails, fmt::format("the table {} is gone: smolvm alone holds the machine", table));
    if (const auto difference = compare_firewall(*snapshot.firewall, rules); !difference.empty()) {
        return evidence(kind, Verdict::Fails, fmt::format("the table {} was changed: {}", table, difference));
    }
    if (!snapshot.stored.present() || !snapshot.stored->start || !snapshot.stored->start->firewalled) {
        return evidence(kind, Verdict::Fails, "the machine was started before its firewall stood");
    }
    const auto traffic = firewall_traffic(*snapshot.firewall).value_or(FirewallTraffic{});
    const auto more = smolvm.denial_log ? std::string() : fmt::format("; smolvm {} logs no refusals: what the guest may not reach rests on this", smolvm.version);
    return evidence(kind, Verdict::Holds, fmt::format("the kernel lets uid {} reach {}{}; {} packets let through, {} refused{}", rules.uid, to_text(rules),
                                                      rules.ports.empty() ? "" : " and nothing else", traffic.accepted, traffic.rejected, more));
}

}  // namespace

const char* name_of(EvidenceKind kind) {
    switch (kind) {
        case EvidenceKind::Row: return "row";
        case EvidenceKind::Process: return "process";
        case EvidenceKind::Config: return "config";
        case EvidenceKind::Bundle: return "bundle";
        case EvidenceKind::Guest: return "guest";
        case EvidenceKind::Firewall: return "firewall";
    }
    return "?";
}

const char* name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::Holds: return "holds";
        case Verdict::Fails: return "FAILS";
        case Verdict::Unknown: return "unknown";
    }
    return "?";
}

std::string binaries_text(const std::vector<FileIdentity>& binaries) {
    std::string text;
    for (const auto& b : binaries) text += fmt::format("{}:{}:{}:{}:{};", b.device, b.inode, b.size, b.mtime_ns, b.ctime_ns);
    return text;
}

const SmolvmBuild& started_build(const Observation<StoredState>& stored) {
    const bool known = stored.present() && stored->start && !stored->start->binaries.empty();
    return known ? build_of_size(stored->start->binaries.front().size) : measured_builds().back();
}

std::vector<Evidence> host_evidence(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes) {
    const auto& smolvm = started_build(snapshot.stored);
    std::vector<Evidence> all = {row_evidence(desired, snapshot.machine), process_evidence(desired, snapshot),
                                 config_evidence(desired, snapshot.machine, smolvm),
                                 bundle_evidence(desired, snapshot, changes)};
    // That the machine's process has the uid of the rules is the process evidence's.
    if (desired.firewall) all.push_back(firewall_evidence(*desired.firewall, snapshot, smolvm));
    else if (!smolvm.denial_log) all.push_back(no_firewall_evidence(desired, smolvm));
    return all;
}

std::optional<ProofKey> proof_key(const Desired& desired, const Snapshot& snapshot) {
    const auto& machine = snapshot.machine;
    if (!snapshot.docker.present() || !snapshot.stored.present() || !snapshot.stored->start || !machine.row_digest.present()) return std::nullopt;
    if (!machine.processes.present() || machine.processes->size() != 1 || desired.containers.empty()) return std::nullopt;
    const auto* infra = find_container(*snapshot.docker, desired.containers.front().name);
    if (infra == nullptr) return std::nullopt;
    ProofKey key;
    key.boot_id = snapshot.host.boot_id;
    key.pid = machine.processes->front().pid;
    key.start_time = machine.processes->front().start_time;
    key.row_digest = *machine.row_digest;
    key.infra_id = infra->id;
    key.infra_started_at = infra->started_at;
    for (const auto& want : desired.networks) {
        for (const auto& network : snapshot.docker->networks) {
            if (network.is.name == want.name) key.network_ids.push_back(network.id);
        }
    }
    if (desired.socket_folder) {
        if (snapshot.socket_place.unknown()) return std::nullopt;
        std::string problem;
        key.socket = socket_identity(snapshot.socket_place, *desired.socket_folder, problem);
        if (key.socket.empty()) return std::nullopt;
    }
    for (const auto& port : desired.ports) key.ports.push_back(fmt::format("{} {} {}", port.container, port.name, port.port));
    key.binaries_digest = binaries_text(snapshot.stored->start->binaries);
    return key;
}

namespace {

constexpr const char* kNoProof = "no proof of this boot";

/// What changed since a proof was taken.
std::string why_worthless(const ProofKey& then, const ProofKey& now) {
    if (then.boot_id != now.boot_id || then.pid != now.pid || then.start_time != now.start_time) return kNoProof;
    if (then.row_digest != now.row_digest) return "the row changed since the proof";
    if (then.infra_id != now.infra_id) return "infra was made anew since the proof";
    if (then.infra_started_at != now.infra_started_at) return "infra was started again since the proof";
    if (then.network_ids != now.network_ids) return "a network was made anew since the proof";
    if (then.socket != now.socket) return "the mounted socket is another file than at the proof";
    if (then.ports != now.ports) return "the bundle's ports are others than those that were proved";
    return "smolvm's files changed since the proof";
}

}  // namespace

std::vector<Evidence> guest_evidence(const Desired& desired, const Snapshot& snapshot) {
    if (!snapshot.stored.present()) return {not_there(EvidenceKind::Guest, "our own record of the proof", snapshot.stored)};
    const auto& proof = snapshot.stored->proof;
    const auto key = proof_key(desired, snapshot);
    if (!proof || !key || proof->evidence.empty()) return {evidence(EvidenceKind::Guest, Verdict::Unknown, kNoProof)};
    if (proof->key != *key) return {evidence(EvidenceKind::Guest, Verdict::Unknown, why_worthless(proof->key, *key))};
    return proof->evidence;
}

std::vector<Evidence> all_evidence(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes) {
    auto all = host_evidence(desired, snapshot, changes);
    for (auto& item : guest_evidence(desired, snapshot)) all.push_back(std::move(item));
    return all;
}

Verdict judge(const std::vector<EvidenceKind>& required, const std::vector<Evidence>& evidence) {
    auto verdict = required.empty() ? Verdict::Unknown : Verdict::Holds;
    for (const auto kind : required) {
        const bool there = std::any_of(evidence.begin(), evidence.end(), [&](const Evidence& e) { return e.kind == kind; });
        if (!there) verdict = Verdict::Unknown;
    }
    for (const auto& item : evidence) {
        if (item.verdict == Verdict::Fails) return Verdict::Fails;
        if (item.verdict == Verdict::Unknown) verdict = Verdict::Unknown;
    }
    return verdict;
}

std::string first_doubt(const std::vector<Evidence>& evidence) {
    for (const auto wanted : {Verdict::Fails, Verdict::Unknown}) {
        for (const auto& item : evidence) {
            if (item.verdict == wanted) return fmt::format("{}: {}", name_of(item.kind), item.reading);
        }
    }
    return {};
}

bool is_paused(const MachineView& machine) {
    return machine.processes.present() && machine.processes->size() == 1 && machine.processes->front().paused;
}

Life life_of(const MachineView& machine) {
    if (machine.processes.present() && !machine.processes->empty()) return Life::Alive;
    if (machine.lock_held.present() && *machine.lock_held) return Life::Alive;
    if (machine.processes.unknown() || machine.lock_held.unknown()) return Life::Unknown;
    return Life::Dead;
}

}  // namespace bottle
