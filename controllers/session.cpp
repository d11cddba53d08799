#include "controllers/session.h"

#include "controllers/bottle_world.h"
#include "controllers/guest/exec.h"
#include "controllers/guest/workload_record.h"
#include "controllers/host/uid_registry.h"
#include "controllers/state/digest.h"
#include "controllers/state/file_lock.h"
#include "controllers/state/identity.h"
#include "controllers/state/private_file.h"
#include "manifests/stored_manifest.h"
#include "reconciler/allocate.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

std::string value_of(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

std::string state_folder(const Environment& environment) {
    const auto xdg = value_of(environment, "XDG_STATE_HOME");
    // A relative value is to be ignored (XDG base directory specification).
    if (!xdg.empty() && xdg.front() == '/') return xdg + "/bottle";
    const auto home = value_of(environment, "HOME");
    if (home.empty() || home.front() != '/') throw Error(Exit::Usage, "neither XDG_STATE_HOME nor HOME says where our state is", "export HOME=…");
    return home + "/.local/state/bottle";
}

StatePlace place_of(const Environment& environment) {
    const auto folder = state_folder(environment);
    return {folder, owner_file(folder, geteuid()), geteuid() == 0 ? kUidRegistry : ""};
}

std::set<std::int64_t> own_groups() {
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
    const int count = getgroups(static_cast<int>(groups.size()), groups.data());
    std::set<std::int64_t> all(groups.begin(), groups.begin() + std::max(count, 0));
    all.insert(getegid());
    return all;
}

std::vector<std::string> image_refs(const Manifest& manifest) {
    std::vector<std::string> refs = {kPauseImage};
    for (const auto& container : manifest.bundle.containers) refs.push_back(container.image);
    return refs;
}

Scope scope_of(const std::string& state_folder, const Manifest& manifest, const std::optional<Allocation>& allocation) {
    Scope scope;
    scope.bottle = manifest.name;
    scope.image_refs = image_refs(manifest);
    scope.image = manifest.machine.rootfs;
    // Without root the VMM has our own uid: its image is a copy.
    if (geteuid() != 0) scope.image_source = manifest.machine.rootfs;
    if (allocation) {
        scope.bundle_address = bundle_address_of(allocation->internal_subnet);
        scope.vmm_uid = vmm_uid_of(*allocation, geteuid());
        if (manifest.network.mode == NetworkMode::Socket) scope.socket_folder = socket_folder_path(*allocation, state_folder, manifest.name);
    }
    return scope;
}

Planner removal_planner(const std::string& bottle) {
    return [bottle](const Snapshot& snapshot, const PlanOptions&) {
        Planned planned;
        planned.desired.name = bottle;
        planned.plan = plan_delete(bottle, snapshot);
        return planned;
    };
}

/// Nothing of the bottle was on this host.
bool was_absent(const Look& look) {
    const auto& machine = look.snapshot.machine;
    const auto& docker = look.snapshot.docker;
    return machine.row.absent() && machine.vm_folder.absent() && docker.present() && docker->containers.empty() && docker->volumes.empty();
}

std::string desired_text(const Desired& desired) {
    std::string text = desired.workload_digest + desired.image_source + fmt::format("{} {} {} {}", desired.machine.rootfs, desired.machine.cpus, desired.machine.memory_mib, desired.user);
    for (const auto& container : desired.containers) text += container.labels.at(label::kSpecHash);
    for (const auto& network : desired.networks) text += network.name + network.ipam.front();
    for (const auto& port : desired.ports) text += fmt::format("{}:{}", port.name, port.port);
    return text;
}

}  // namespace

struct Session::Parts {
    Environment environment;
    StatePlace place;
    StateStore store;
    std::unique_ptr<Engine> engine;
    std::optional<Smolvm> smolvm;
    SystemProcessRunner runner;

    explicit Parts(Environment given)
        : environment(std::move(given)), place(place_of(environment)), store(place.folder + "/state.db"),
          engine(make_http_engine(docker_socket(value_of(environment, "DOCKER_HOST")))), smolvm(find_smolvm(value_of(environment, "PATH"))) {}

    BottleWorld world(const std::string& bottle) { return {bottle, place, store, *engine, smolvm, runner}; }

    KeyedDigest keyed_digest(bool make_key) const {
        return [key = digest_key(place.folder, make_key)](std::string_view text) { return hmac_sha256_hex(key, text); };
    }

    Scope removal_scope(const std::string& bottle) {
        Scope scope;
        scope.bottle = bottle;
        scope.image_refs = {kPauseImage};
        const auto held = store.allocations();
        if (const auto found = held.find(bottle); found != held.end()) scope.vmm_uid = found->second.vmm_uid;
        return scope;
    }

    std::string lock_of(const std::string& bottle) const { return place.folder + "/locks/" + bottle; }

    /// Chooses what the bottle shall hold, and records it: under one lock, so that two bottles never choose the same.
    Allocation reserve(const Manifest& manifest, BottleWorld& world) {
        const FileLock lock(place.folder + "/locks/allocations", std::chrono::seconds(60));
        // Another state folder may be faster at the uid: its entry then shows at the next look.
        constexpr int kTries = 20;
        for (int i = 0; i < kTries; ++i) {
            const auto snapshot = world.observe(scope_of(place.folder, manifest, std::nullopt));
            const auto chosen = allocate(manifest.name, manifest.bundle.external_network, {}, snapshot);
            if (const auto* why = std::get_if<std::string>(&chosen)) throw Error(Exit::Precondition, *why);
            const auto& allocation = std::get<Allocation>(chosen);
            if (snapshot.stored->allocation != allocation) store.reserve(manifest.name, allocation);
            if (allocation.vmm_uid == 0 || register_uid(place.uid_registry, allocation.vmm_uid, uid_holder(place.folder, manifest.name))) return allocation;
        }
        throw Error(Exit::Precondition, fmt::format("the uid that bottle {} holds is another bottle's by now, and its machine is built on it", manifest.name),
                    fmt::format("ls {}; then bottle delete {} and apply again, without its disks", place.uid_registry, manifest.name));
    }
};

Session::Session(Environment environment) : parts_(std::make_unique<Parts>(std::move(environment))) {}
Session::~Session() = default;

Look Session::look(const Manifest& manifest, const PlanOptions& options) {
    auto world = parts_->world(manifest.name);
    std::optional<Allocation> held;
    const auto all = parts_->store.allocations();
    if (const auto found = all.find(manifest.name); found != all.end()) held = found->second;
    Look look;
    look.snapshot = world.observe(scope_of(parts_->place.folder, manifest, held));
    const auto chosen = allocate(manifest.name, manifest.bundle.external_network, {}, look.snapshot);
    // Where nothing can be chosen the plan still says why, and what has to be stopped: on the addresses that are held.
    const auto allocation = std::holds_alternative<Allocation>(chosen) ? std::get<Allocation>(chosen) : held.value_or(Allocation{"10.231.0.0/29", "10.232.0.0/29", 0});
    look.desired = desire(manifest, allocation, look.snapshot, parts_->keyed_digest(false));
    const bool readable = look.snapshot.docker.present() && look.snapshot.stored.present();
    if (const auto* why = std::get_if<std::string>(&chosen); why != nullptr && readable) look.desired.problems.push_back({manifest.place, *why, "", ""});
    look.plan = plan_apply(look.desired, look.snapshot, options);
    return look;
}

std::vector<Problem> Session::preflight(const Look& look) {
    auto world = parts_->world(look.desired.name);
    PreflightFacts facts;
    facts.euid = geteuid();
    facts.is_root = facts.euid == 0;
    if (parts_->smolvm) {
        facts.smolvm_path = parts_->smolvm->program;
        facts.smolvm_version = smolvm_version(*parts_->smolvm, parts_->runner, facts.smolvm_problem);
    }
    facts.kvm = read_kvm();
    facts.kvm_is_open_to_us = faccessat(AT_FDCWD, "/dev/kvm", R_OK | W_OK, AT_EACCESS) == 0;
    facts.longest_socket = longest_socket(machine_paths(parts_->place.folder, look.desired.name));
    if (const auto& socket = look.desired.machine.socket; socket && socket->host_path.size() > facts.longest_socket.size()) facts.longest_socket = socket->host_path;
    facts.docker = world.docker().facts();
    facts.vmm_uid = look.desired.allocation.vmm_uid;
    facts.image = look.desired.image_source.empty() ? look.desired.machine.rootfs : look.desired.image_source;
    facts.impassable = facts.is_root ? impassable_folders(facts.image, facts.vmm_uid) : impassable_folders(facts.image, facts.euid, own_groups());
    facts.image_writable = facts.is_root && writable_by(facts.image, facts.vmm_uid);
    return check_preflight(facts);
}

ConvergeResult Session::apply(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    // Nothing is written, not even a lock, on a host that already is as it shall be or cannot be used.
    const auto first = look(manifest, options.plan);
    const bool stops = !first.plan.steps.empty() && std::holds_alternative<StopMachine>(first.plan.steps.front().action);
    if (!first.plan.empty() && !stops) {
        if (auto problems = preflight(first); !problems.empty()) return {Exit::Precondition, std::move(problems), 0, first.snapshot};
        if (!first.plan.refusals.empty()) return {Exit::Precondition, first.plan.refusals, 0, first.snapshot};
    }
    if (first.plan.empty()) {
        parts_->store.save_applied(manifest.name, to_stored_text(manifest), sha256_hex(desired_text(first.desired)));
        parts_->store.save_conditions(manifest.name, conditions(first.desired, first.snapshot));
        return {Exit::Ok, {}, 0, first.snapshot};
    }

    const FileLock lock(parts_->lock_of(manifest.name), options.timeout);
    make_owner(parts_->place.owner_file);
    auto world = parts_->world(manifest.name);
    const auto allocation = parts_->reserve(manifest, world);
    const auto digest = parts_->keyed_digest(true);
    Desired last;
    const Planner planner = [&](const Snapshot& snapshot, const PlanOptions& plan_options) {
        last = desire(manifest, allocation, snapshot, digest);
        return Planned{last, plan_apply(last, snapshot, plan_options)};
    };
    auto result = converge(manifest.name, scope_of(parts_->place.folder, manifest, allocation), planner, world, world, clock, progress, options);
    if (result.exit == Exit::Precondition && was_absent(first)) {
        // What only a real start can tell (a /dev/kvm that starts no guest): a host that cannot run it is left as it was found.
        const auto removed = converge(manifest.name, parts_->removal_scope(manifest.name), removal_planner(manifest.name), world, world, clock, progress, options);
        if (removed.exit == Exit::Ok) return result;
    }
    parts_->store.save_applied(manifest.name, to_stored_text(manifest), sha256_hex(desired_text(last)));
    const auto reached = conditions(last, result.snapshot);
    parts_->store.save_conditions(manifest.name, reached);
    const auto& ready = condition(reached, "Ready");
    if (result.exit == Exit::Ok && ready.status != "True") {
        result.exit = Exit::Failed;
        result.problems.push_back({{}, fmt::format("not Ready: {}: {}", ready.reason, ready.message), "bottle logs " + manifest.name, ""});
    }
    return result;
}

Plan Session::plan_removal(const std::string& bottle) {
    auto world = parts_->world(bottle);
    return plan_delete(bottle, world.observe(parts_->removal_scope(bottle)));
}

ConvergeResult Session::remove(const std::string& bottle, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    if (plan_removal(bottle).empty()) return {Exit::Ok, {}, 0, {}};
    const FileLock lock(parts_->lock_of(bottle), options.timeout);
    auto world = parts_->world(bottle);
    return converge(bottle, parts_->removal_scope(bottle), removal_planner(bottle), world, world, clock, progress, options);
}

std::vector<std::string> Session::bottles() {
    return parts_->store.bottles();
}

std::optional<Applied> Session::applied(const std::string& bottle) {
    const auto record = parts_->store.applied(bottle);
    if (!record) return std::nullopt;
    return Applied{from_stored_text(record->manifest), record->generation};
}

std::map<std::string, std::string> Session::transition_times(const std::string& bottle) {
    return parts_->store.transition_times(bottle);
}

int Session::exec(const Look& look, const std::vector<std::string>& command) {
    if (!parts_->smolvm) throw Error(Exit::Precondition, "smolvm is not on PATH");
    const auto paths = machine_paths(parts_->place.folder, look.desired.name);
    const bool terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
    return exec_in_guest(parts_->smolvm->invocation(paths, look.desired.machine.name), look.desired.user, look.desired.guest_env, command, terminal);
}

std::string Session::logs(const std::string& bottle, const std::string& part) {
    constexpr int kLines = 200;
    const auto folder = parts_->place.bottle_folder(bottle);
    constexpr std::size_t kCap = 16 << 20;
    if (part.empty()) return read_private_file(folder + "/" + kWorkloadLog, kCap).value_or("");
    if (part == "machine") return read_private_file(machine_paths(parts_->place.folder, bottle).vm_folder + "/agent-console.log", kCap).value_or("");
    return parts_->world(bottle).docker().logs(container_name(bottle, part), kLines);
}

}  // namespace bottle
