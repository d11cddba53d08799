#include "controllers/bottle_world.h"

#include "controllers/guest/workload.h"
#include "controllers/host/host_sockets.h"
#include "controllers/host/passable.h"
#include "controllers/host/routes.h"
#include "controllers/host/socket_folder.h"
#include "controllers/host/uid_registry.h"
#include "controllers/process/proc_table.h"
#include "controllers/state/digest.h"
#include "controllers/state/identity.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"
#include "manifests/stored_manifest.h"
#include "reconciler/sharing.h"

#include <unistd.h>

namespace bottle {
namespace {

HostFacts host_facts(const StatePlace& place, const std::string& bottle) {
    HostFacts facts;
    facts.boot_id = read_private_file("/proc/sys/kernel/random/boot_id").value_or("");
    facts.boot_id.erase(facts.boot_id.find_last_not_of('\n') + 1);
    facts.euid = geteuid();
    facts.owner = read_owner(place.owner_file).value_or("");
    facts.state_folder = place.folder;
    auto routes = host_routes();
    facts.routes = std::move(routes.destinations);
    facts.carriers = std::move(routes.carriers);
    // Without root there is none: the VMM has the user's own uid.
    const auto holders = place.uid_registry.empty() ? std::map<std::int64_t, std::string>{} : registered_uids(place.uid_registry);
    for (const auto& [uid, holder] : holders) {
        if (holder != uid_holder(place.folder, bottle)) facts.taken_uids.insert(uid);
    }
    return facts;
}

/// Without root no VMM has a uid of its own: all have the user's, who owns the copies of the images, and the proof says so.
std::vector<std::string> image_writers(const std::string& image, const StoredState& stored) {
    std::vector<std::string> writers;
    for (const auto& [name, allocation] : stored.other_allocations) {
        if (!image.empty() && allocation.vmm_uid != 0 && writable_by(image, allocation.vmm_uid)) writers.push_back(name);
    }
    return writers;
}

Observation<std::vector<FileIdentity>> started_files(const Observation<StoredState>& stored) {
    if (!stored.present()) return Unknown{"which they are could not be read"};
    if (!stored->start) return Absent{};
    std::vector<FileIdentity> files;
    for (const auto& binary : stored->start->binaries) {
        const auto now = identify_file(binary.path);
        if (!now) return Absent{};
        files.push_back(*now);
    }
    return files;
}

/// Empty where there is none that can be read.
Manifest applied_manifest(StateStore& store, const std::string& bottle) {
    try {
        const auto applied = store.applied(bottle);
        return applied ? from_stored_text(applied->manifest) : Manifest();
    } catch (const Error&) {
        return {};
    }
}

/// A record of another boot of the machine says nothing of this one.
Observation<ObservedWorkload> of_this_boot(Observation<ObservedWorkload> workload, const VmmProcess* vmm) {
    if (!workload.present()) return workload;
    if (vmm == nullptr || workload->vmm_pid != vmm->pid || workload->vmm_start_time != vmm->start_time) return Absent{};
    return workload;
}

}  // namespace

const VmmProcess* BottleWorld::only_vmm(const Snapshot& snapshot) {
    const auto& processes = snapshot.machine.processes;
    return processes.present() && processes->size() == 1 ? &processes->front() : nullptr;
}

AgentFiles BottleWorld::read_agent_files(const AgentCopy& copy) {
    return copy.is_skill ? read_skill(copy.source) : read_prompt(copy.source);
}

Observation<std::string> BottleWorld::digest_of(const AgentCopy& copy) {
    const auto read = read_agent_files(copy);
    if (read.absent) return Absent{};
    if (!read.problem.empty()) return Unknown{read.problem};
    return sha256_hex(copy_text(read.files));
}

Snapshot BottleWorld::observe(const Scope& scope) {
    Snapshot snapshot;
    snapshot.machine = machine_.observe(scope.image_source);
    snapshot.docker = docker_.observe(scope);
    try {
        snapshot.host = host_facts(place_, bottle_);
        if (const auto& smolvm = machine_.smolvm(); smolvm && smolvm->build.tsi) snapshot.host.accepted_smolvm = smolvm->build.version;
        auto stored = store_.read(bottle_);
        stored.others = other_holdings(stored);
        snapshot.host.image_writers = image_writers(scope.image, stored);
        snapshot.stored = std::move(stored);
    } catch (const Error& error) {
        snapshot.stored = Unknown{error.what()};
    }
    if (machine_.smolvm()) snapshot.host.smolvm_size = machine_.smolvm()->build.program_size;
    snapshot.firewall = firewall_.observe(scope.vmm_uid);
    snapshot.machine.started_files = started_files(snapshot.stored);
    if (scope.socket_folder.empty()) snapshot.socket_place = Absent{};
    else snapshot.socket_place = look_at_socket_folder(scope.socket_folder);
    if (scope.bundle_address.empty()) snapshot.route = Absent{};
    else snapshot.route = route_to(scope.bundle_address, scope.vmm_uid);
    for (const auto& name : scope.secrets) snapshot.secrets[name] = secrets_.fingerprint(name, place_.keyed_digest(false));
    for (const auto& copy : scope.copies) snapshot.agent_files[host_path(copy.source)] = digest_of(copy);
    if (scope.tsi_loopback) snapshot.listeners = host_sockets();
    else snapshot.listeners = Absent{};
    snapshot.workload = of_this_boot(observe_workload(place_.bottle_folder(bottle_)), only_vmm(snapshot));
    return snapshot;
}

/// By their records; one that cannot be read still holds its addresses and what follows from its name.
std::vector<Holdings> BottleWorld::other_holdings(const StoredState& stored) {
    std::vector<Holdings> all;
    for (const auto& [name, allocation] : stored.other_allocations) {
        const auto paths = machine_paths(place_.folder, name);
        auto manifest = applied_manifest(store_, name);
        manifest.name = name;
        all.push_back(holdings_of(manifest, allocation, {paths.root, paths.cache}));
    }
    return all;
}

}  // namespace bottle
