#include "controllers/session_parts.h"

#include "controllers/host/policy_file.h"
#include "controllers/host/uid_registry.h"
#include "controllers/state/file_lock.h"
#include "controllers/state/identity.h"
#include "reconciler/allocate.h"
#include "reconciler/host_limits.h"

#include <fmt/format.h>

#include <unistd.h>

namespace bottle {
namespace {

std::string value_of(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

/// A folder of the user's for one kind of files; empty where neither variable says it.
std::string base_folder(const Environment& environment, const char* variable, const char* beneath_home) {
    const auto xdg = value_of(environment, variable);
    // A relative value is to be ignored (XDG base directory specification).
    if (!xdg.empty() && xdg.front() == '/') return xdg + "/bottle";
    const auto home = value_of(environment, "HOME");
    return home.empty() || home.front() != '/' ? std::string() : home + beneath_home + "/bottle";
}

std::string state_folder(const Environment& environment) {
    auto folder = base_folder(environment, "XDG_STATE_HOME", "/.local/state");
    if (folder.empty()) throw Error(Exit::Usage, "neither XDG_STATE_HOME nor HOME says where our state is", "export HOME=…");
    return folder;
}

HostPolicy policy_of(const Environment& environment) {
    const auto folder = base_folder(environment, "XDG_CONFIG_HOME", "/.config");
    return folder.empty() ? HostPolicy{} : read_host_policy(folder + "/config.yaml");
}

StatePlace place_of(const Environment& environment) {
    const auto folder = state_folder(environment);
    return {folder, owner_file(folder, geteuid()), geteuid() == 0 ? kUidRegistry : ""};
}

std::vector<std::string> image_refs(const Manifest& manifest) {
    std::vector<std::string> refs = {kPauseImage};
    for (const auto& container : manifest.bundle.containers) refs.push_back(container.image);
    if (!manifest.machine.docker.empty()) refs.push_back(manifest.machine.docker);
    return refs;
}

/// Held addresses are kept while they are free; nothing is built on these yet.
Snapshot as_if_held(Snapshot snapshot, const Allocation& allocation) {
    if (snapshot.stored.present()) snapshot.stored.value().allocation = allocation;
    return snapshot;
}

}  // namespace

Session::Parts::Parts(Environment given)
    : environment(std::move(given)), place(place_of(environment)), store(place.folder + "/state.db") {}

const HostPolicy& Session::Parts::policy() {
    // Bottles are applied by several threads.
    std::call_once(policy_once, [this] { read_policy = policy_of(environment); });
    return *read_policy;
}

std::string Session::Parts::docker_host() {
    const auto& host = policy().docker.host;
    return host.empty() ? value_of(environment, "DOCKER_HOST") : host;
}

BottleWorld Session::Parts::world(const std::string& bottle) {
    std::call_once(outside_once, [this] {
        engine = make_http_engine(docker_socket(docker_host()));
        smolvm = choose_smolvm(policy().smolvm, value_of(environment, "PATH"));
        if (smolvm) accept_build(*smolvm, policy().smolvm);
        secrets.emplace(policy().secrets, environment, runner);
    });
    return {bottle, place, store, *engine, smolvm, runner, *secrets};
}

Scope Session::Parts::scope_of(const Manifest& manifest, const std::optional<Allocation>& allocation) const {
    Scope scope;
    scope.bottle = manifest.name;
    scope.image_refs = image_refs(manifest);
    scope.image = manifest.machine.rootfs;
    scope.tsi_loopback = manifest.network.mode == NetworkMode::TsiLoopback;
    scope.copies = copies_of(manifest.agent);
    scope.image_source = image_source_of(manifest.machine, geteuid());
    if (allocation) {
        scope.bundle_address = bundle_address_of(allocation->internal_subnet);
        scope.vmm_uid = vmm_uid_of(*allocation, geteuid());
        if (manifest.network.mode == NetworkMode::TsiLoopback) scope.bundle_address = allocation->alias;
        if (manifest.network.mode == NetworkMode::Socket) scope.socket_folder = socket_folder_path(*allocation, place.folder, manifest.name);
    }
    return scope;
}

Scope Session::Parts::removal_scope(const std::string& bottle) {
    Scope scope;
    scope.bottle = bottle;
    scope.image_refs = {kPauseImage};
    const auto held = store.allocations();
    if (const auto found = held.find(bottle); found != held.end()) scope.vmm_uid = found->second.vmm_uid;
    return scope;
}

Allocation Session::Parts::reserve(const Manifest& manifest, BottleWorld& world, const std::optional<Allocation>& bound) {
    const FileLock lock(place.folder + "/locks/allocations", std::chrono::seconds(60));
    // Another state folder may be faster at the uid: its entry then shows at the next look.
    constexpr int kTries = 20;
    for (int i = 0; i < kTries; ++i) {
        const auto snapshot = world.observe(scope_of(manifest, std::nullopt));
        const auto chosen = allocate(manifest, pools_of(policy()), bound ? as_if_held(snapshot, *bound) : snapshot);
        if (const auto* why = std::get_if<std::string>(&chosen)) throw Error(Exit::Precondition, *why);
        const auto& allocation = std::get<Allocation>(chosen);
        if (bound && allocation != *bound) throw Error(Exit::Precondition, "the addresses of the plan are taken by now", "bottle plan --out FILE   makes a new one");
        if (snapshot.stored->allocation != allocation) store.reserve(manifest.name, allocation);
        if (allocation.vmm_uid == 0 || register_uid(place.uid_registry, allocation.vmm_uid, uid_holder(place.folder, manifest.name))) return allocation;
    }
    throw Error(Exit::Precondition, fmt::format("the uid that bottle {} holds is another bottle's by now, and its machine is built on it", manifest.name),
                fmt::format("ls {}; then bottle delete {} and apply again, without its disks", place.uid_registry, manifest.name));
}

}  // namespace bottle
