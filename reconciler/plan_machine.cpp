#include "reconciler/plan_machine.h"

#include "manifests/quantity.h"
#include "reconciler/plan_docker.h"
#include "reconciler/plan_image.h"
#include "reconciler/plan_provision.h"

#include "reconciler/firewall.h"
#include "reconciler/proof.h"
#include "reconciler/row.h"
#include "reconciler/secrets.h"
#include "reconciler/smolvm_build.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bottle {
namespace {

/// Of processes that were seen.
bool is_own_start(const std::vector<VmmProcess>& processes, const PlanOptions& options) {
    if (!options.own_start || processes.size() != 1) return false;
    return processes.front().pid == options.own_start->first && processes.front().start_time == options.own_start->second;
}

bool unsealed(const MachineView& machine) {
    return machine.live_channels.present() && !machine.live_channels->empty();
}

bool guest_proved(const Desired& desired, const Snapshot& snapshot) {
    return judge({EvidenceKind::Guest}, guest_evidence(desired, snapshot)) == Verdict::Holds;
}

/// Host evidence of a boot of our own that is not proved yet: open channels are not a doubt before the seal.
std::string doubt_before_proof(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes) {
    auto evidence = host_evidence(desired, snapshot, changes);
    if (unsealed(snapshot.machine)) {
        evidence.erase(std::remove_if(evidence.begin(), evidence.end(), [](const Evidence& e) { return e.kind == EvidenceKind::Config; }),
                       evidence.end());
    }
    return first_doubt(evidence);
}

std::string vmm_text(const MachineView& machine) {
    return fmt::format("{}:{}", machine.processes->front().pid, machine.processes->front().start_time);
}

std::string workload_doubt(const Desired& desired, const Snapshot& snapshot) {
    if (snapshot.workload.unknown()) return "the workload's state could not be read: " + snapshot.workload.why();
    if (!snapshot.workload.present()) return {};
    const auto& workload = *snapshot.workload;
    if (std::holds_alternative<WorkloadLost>(workload.state)) return "who held the agent's command died: it may still run, unwatched";
    if (!desired.workload) return "the manifest names no command any more";
    if (auto doubt = secrets_doubt(desired, workload); !doubt.empty()) return doubt;
    if (workload.spec_digest != desired.workload_digest) return "the agent's command, user or environment changed";
    return {};
}

std::string required_kinds(const Desired& desired) {
    std::vector<std::string> names;
    for (const auto kind : desired.required) names.emplace_back(name_of(kind));
    return fmt::format("{}", fmt::join(names, " "));
}

Step step_for(char symbol, const std::string& kind, const Desired& desired, std::string detail, std::string cause, Action action) {
    return make_step(symbol, kind, kind, desired.machine.name, std::move(detail), std::move(cause), std::move(action));
}

void plan_prove(const Desired& desired, std::string cause, PlanBuilder& builder) {
    builder.add(step_for('?', "prove", desired, required_kinds(desired), std::move(cause), Prove{}), builder.ids());
}

void plan_launch(const Desired& desired, std::string cause, PlanBuilder& builder) {
    const auto& program = desired.workload->command.front();
    builder.add(make_step('>', "launch", "launch", program, "as " + desired.workload->user, std::move(cause), Launch{*desired.workload}), builder.ids());
}

/// Everything after a start, in order.
void plan_after_start(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, PlanBuilder& builder) {
    builder.add(step_for('~', "seal", desired, "no live changes", "open after each start", SealMachine{}), builder.ids());
    plan_prove(desired, "no proof of this boot", builder);
    const bool launches = desired.workload && !options.hold_launch;
    plan_provision(desired, snapshot, launches, builder);
    if (launches) plan_launch(desired, "not running", builder);
}

/// A machine that lives and may: what is still to be done in this boot.
void plan_running(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, PlanBuilder& builder) {
    const bool proved = guest_proved(desired, snapshot);
    if (!proved && unsealed(snapshot.machine)) {
        builder.add(step_for('~', "seal", desired, "no live changes", "open after each start", SealMachine{}));
    }
    const bool paused = is_paused(snapshot.machine);
    if (paused && (!proved || options.prove_again)) {
        builder.refuse("the machine is paused: its guest cannot be asked anything", "bottle resume " + desired.name);
        return;
    }
    if (!proved) plan_prove(desired, "no proof of this boot", builder);
    else if (options.prove_again) plan_prove(desired, "asked for", builder);
    if (paused) builder.add(step_for('>', "resume", desired, "", "paused", ResumeMachine{}), builder.ids());

    const bool provisioned = snapshot.stored->provisioned == vmm_text(snapshot.machine);
    std::string launch_cause;
    const bool launches = desired.workload && !options.hold_launch;
    if (launches && snapshot.workload.absent()) launch_cause = "not running";
    if (launches && snapshot.workload.present()) {
        const auto* exited = std::get_if<WorkloadExited>(&snapshot.workload->state);
        if (exited != nullptr && exited->code != 0) launch_cause = fmt::format("exited with {}", exited->code);
    }
    if (!provisioned) plan_provision(desired, snapshot, !launch_cause.empty(), builder);
    else plan_new_copies(desired, *snapshot.stored, builder);
    if (!launch_cause.empty()) plan_launch(desired, launch_cause, builder);
}

std::string machine_detail(const Machine& machine) {
    return fmt::format("offline, {} cpu{}, {}", machine.cpus, machine.cpus == 1 ? "" : "s", quantity_text(machine.memory_mib << 20));
}

void plan_claim(const Desired& desired, const Snapshot& snapshot, const std::string& part_of, PlanBuilder& builder) {
    const auto uid = desired.allocation.vmm_uid;
    if (uid == 0) return;
    if (snapshot.machine.uid_claim.present() && *snapshot.machine.uid_claim == uid) return;
    if (snapshot.machine.uid_claim.present()) {
        builder.refuse(fmt::format("the VM folder is claimed for uid {}, and this bottle holds uid {}", *snapshot.machine.uid_claim, uid));
        return;
    }
    auto step = step_for('+', "claim", desired, fmt::format("uid {}", uid), "not claimed", ClaimUid{uid});
    step.part_of = part_of;
    builder.add(std::move(step), builder.ids());
}

void plan_allowlist(const Desired& desired, const Snapshot& snapshot, const std::string& is, const std::string& cause, PlanBuilder& builder) {
    const auto row = snapshot.machine.row.present() ? snapshot.machine.row->data : std::string();
    const auto wanted = desired.machine.socket ? std::string("no network") : desired.machine.allowed_cidr + (desired.machine.tsi ? "" : ", names closed");
    builder.add(step_for('~', "allowlist", desired, fmt::format("{} → {}", is, wanted), cause,
                         SetAllowlist{row, desired.machine.allowed_cidr, desired.machine.tsi}),
                builder.ids());
}

/// What the smolvm that would start it cannot do. One that is not there, or unknown, is the preflight's.
void refuse_smolvm(const Desired& desired, const Snapshot& snapshot, PlanBuilder& builder) {
    const auto& smolvm = build_of_size(snapshot.host.smolvm_size);
    const auto newer = fmt::format("put smolvm {0} first on PATH (python3 -m pip download --no-deps smolmachines=={0})", measured_builds().back().version);
    if (desired.machine.socket && !smolvm.mounted_sockets) {
        builder.refuse(fmt::format("smolvm {} mounts no socket, and mode socket needs one", smolvm.version), newer + "; or network.mode: bridge");
        return;
    }
    if (smolvm.denial_log) return;
    if (!desired.firewall) {
        builder.refuse(fmt::format("smolvm {} logs no refusals: a proof rests on the firewall, and there is none: {}", smolvm.version, desired.no_firewall),
                       newer + "; or as root, with nftables and without network.firewall: \"off\"");
        return;
    }
    const auto& ports = desired.firewall->ports;
    if (std::find(ports.begin(), ports.end(), kDnsPort) == ports.end()) return;
    builder.refuse(fmt::format("smolvm {} logs no refusals, and the firewall lets the machine reach port {} of the bundle: names could not be shown to be closed", smolvm.version,
                               kDnsPort),
                   newer + "; or another port in the bundle");
}

/// The wall that the machine is started behind; or one of an earlier manifest that is not asked for any more, which goes only after the machine.
void plan_firewall(const Desired& desired, const Snapshot& snapshot, PlanBuilder& builder) {
    if (!desired.firewall) {
        if (!snapshot.firewall.present()) return;
        const auto uid = desired.allocation.vmm_uid;
        builder.add(step_for('-', "firewall", desired, fmt::format("uid {}", uid), desired.no_firewall, RemoveFirewall{uid}), builder.ids());
        return;
    }
    if (snapshot.firewall.unknown()) {
        builder.refuse("the firewall could not be read: " + snapshot.firewall.why(), "nft list tables   as root shows more; network.firewall: \"off\" does without");
        return;
    }
    const auto cause = snapshot.firewall.absent() ? std::string("absent") : compare_firewall(*snapshot.firewall, *desired.firewall);
    if (cause.empty()) return;
    auto step = step_for('+', "firewall", desired, fmt::format("uid {} to {} only", desired.firewall->uid, to_text(*desired.firewall)), cause,
                         InstallFirewall{*desired.firewall});
    step.part_of = "start " + desired.machine.name;
    builder.add(std::move(step), builder.ids());
}

void plan_new_machine(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, PlanBuilder& builder) {
    const auto& name = desired.machine.name;
    const bool disks = snapshot.machine.vm_folder.present() && *snapshot.machine.vm_folder;
    if (disks && !options.adopt) {
        builder.refuse(fmt::format("machine {} has no row in smolvm's database, but its folder with disks is there: a new machine would take them over", name),
                       "bottle apply --adopt   makes the machine anew on these disks; or move the folder away first");
        return;
    }
    auto create = step_for('+', "machine", desired, machine_detail(desired.machine), "absent", CreateMachine{desired.machine, disks});
    plan_claim(desired, snapshot, create.id, builder);
    builder.add(std::move(create), builder.ids());
    // Created without a network, and there it stays.
    if (!desired.machine.socket) plan_allowlist(desired, snapshot, "none", "not the requested list", builder);
}

bool is_like_ours(const MachineRow& row, const Machine& machine) {
    const auto problems = compare_row(row.data, machine, RowStage::Confined);
    return std::none_of(problems.begin(), problems.end(), [](const RowProblem& p) { return p.fix == RowFix::Recreate; });
}

/// A VMM that dies within seconds of its machine's first start leaves disks that smolvm cannot start again (1.32.2: "refresh persistent overlay
/// resolver …: No such file or directory"). Which ones cannot be told from outside, and there is nothing on any of them.
void plan_anew(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, PlanBuilder& builder) {
    auto step = make_step('-', "delete", "machine", desired.machine.name, "to be made anew", "its first start was not proved", DeleteMachine{});
    builder.add(std::move(step), builder.ids());
    auto deleted = snapshot;
    deleted.machine.row = Absent{};
    deleted.machine.vm_folder = Absent{};
    deleted.machine.uid_claim = Absent{};
    plan_new_machine(desired, deleted, options, builder);
}

void plan_row_repairs(const Desired& desired, const Snapshot& snapshot, PlanBuilder& builder) {
    const auto& row = *snapshot.machine.row;
    std::string allowlist_cause = row.is_blob ? "" : "the row is TEXT: smolvm cannot read it again";
    std::string resources_cause;
    for (const auto& problem : compare_row(row.data, desired.machine, RowStage::Confined)) {
        if (problem.fix == RowFix::Recreate) {
            builder.refuse(fmt::format("machine {}: {}", desired.machine.name, problem.text),
                           fmt::format("bottle delete {} and apply again makes it anew, without its disks", desired.name));
        }
        if (problem.fix == RowFix::UpdateResources && resources_cause.empty()) resources_cause = problem.text;
        if (problem.fix == RowFix::SetAllowlist && allowlist_cause.empty()) allowlist_cause = problem.text;
    }
    plan_claim(desired, snapshot, "", builder);
    // The allowlist first: its writing also makes a BLOB of a row that smolvm could not read any more.
    if (!allowlist_cause.empty()) plan_allowlist(desired, snapshot, read_allowlist_text(row.data), allowlist_cause, builder);
    if (!resources_cause.empty()) {
        auto step = step_for('~', "machine", desired, machine_detail(desired.machine), resources_cause, UpdateMachine{desired.machine});
        step.cost = Cost::Restart;
        builder.add(std::move(step), builder.ids());
    }
}

}  // namespace

std::string reason_to_stop(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes, const PlanOptions& options) {
    if (!snapshot.machine.processes.present()) return "it cannot be told whether it runs";
    if (!snapshot.docker.present()) return "Docker could not be read: " + (snapshot.docker.unknown() ? snapshot.docker.why() : "it is not there");
    if (!snapshot.stored.present()) return "our own records could not be read";

    const bool own = is_own_start(*snapshot.machine.processes, options);
    const auto guest = guest_evidence(desired, snapshot);
    const auto guest_verdict = judge({EvidenceKind::Guest}, guest);
    if (guest_verdict == Verdict::Fails) return first_doubt(guest);
    if (guest_verdict == Verdict::Unknown && own) return doubt_before_proof(desired, snapshot, changes);
    const auto host_doubt = first_doubt(host_evidence(desired, snapshot, changes));
    if (!host_doubt.empty()) return host_doubt;
    if (guest_verdict == Verdict::Unknown) return "it runs unproved: " + first_doubt(guest);
    if (const auto doubt = workload_doubt(desired, snapshot); !doubt.empty()) return doubt;
    if (const auto doubt = image_doubt(desired, snapshot.machine); !doubt.empty()) return doubt;
    if (needs_machine_stopped(desired, changes)) return "its bundle's infra or network has to be made anew";
    return {};
}

void plan_machine(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, bool runs_on, PlanBuilder& builder) {
    if (runs_on) {
        plan_running(desired, snapshot, options, builder);
        return;
    }
    refuse_smolvm(desired, snapshot, builder);
    plan_image(desired, snapshot.machine, builder);
    const auto& row = snapshot.machine.row;
    if (!row.present()) plan_new_machine(desired, snapshot, options, builder);
    else if (snapshot.stored->unproved == Unproved::Started && is_like_ours(*row, desired.machine)) plan_anew(desired, snapshot, options, builder);
    else plan_row_repairs(desired, snapshot, builder);
    plan_firewall(desired, snapshot, builder);
    builder.add(step_for('>', "start", desired, "", builder.stops() ? "stopped above" : "not running", StartMachine{}), builder.ids());
    plan_after_start(desired, snapshot, options, builder);
}

}  // namespace bottle
