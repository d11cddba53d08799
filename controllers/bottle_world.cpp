#include "controllers/bottle_world.h"

#include "controllers/guest/workload.h"
#include "controllers/host/routes.h"
#include "controllers/host/socket_folder.h"
#include "controllers/host/uid_registry.h"
#include "controllers/machine/folder_copy.h"
#include "controllers/state/digest.h"
#include "controllers/state/identity.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"
#include "reconciler/allocate.h"
#include "reconciler/firewall.h"
#include "reconciler/guest_evidence.h"
#include "reconciler/proof.h"
#include "reconciler/socket_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace bottle {
namespace {

/// How long a boot may stay unproved before its guard ends it.
constexpr std::chrono::milliseconds kUnprovedBound{600'000};
constexpr std::chrono::milliseconds kKeeperPatience{15'000};
constexpr std::chrono::milliseconds kSocketPatience{15'000};
constexpr std::chrono::milliseconds kProbeDeadline{180'000};

Outcome failed(std::string text, std::string hint = {}) {
    return {Outcome::Kind::Failed, std::move(text), std::move(hint)};
}

std::string vmm_text(const VmmProcess& vmm) {
    return fmt::format("{}:{}", vmm.pid, vmm.start_time);
}

std::string result_text(const Outcome& outcome) {
    switch (outcome.kind) {
        case Outcome::Kind::Done: return "done";
        case Outcome::Kind::Retry: return "again later: " + outcome.text;
        case Outcome::Kind::Failed: return "failed: " + outcome.text;
    }
    return "?";
}

/// By name where it was made just now.
bool is_infra(const StartContainer& action, const Desired& desired, const DockerView& view) {
    const auto& name = desired.containers.front().name;
    return action.id == name || std::any_of(view.containers.begin(), view.containers.end(), [&](const auto& c) { return c.id == action.id && c.is.name == name; });
}

}  // namespace

KeyedDigest StatePlace::keyed_digest(bool make_key) const {
    return [key = digest_key(folder, make_key)](std::string_view text) { return hmac_sha256_hex(key, text); };
}

BottleWorld::BottleWorld(std::string bottle, const StatePlace& place, StateStore& store, Engine& engine, std::optional<Smolvm> smolvm,
                         ProcessRunner& runner, SecretReader& secrets)
    : bottle_(std::move(bottle)), place_(place), store_(store), runner_(runner), secrets_(secrets), docker_(engine),
      machine_(machine_paths(place.folder, bottle_), machine_name(bottle_), std::move(smolvm), runner), guest_(runner_) {}

Outcome BottleWorld::execute(const Step& step, const Desired& desired, const Snapshot& snapshot) {
    try {
        const auto entry = store_.journal_begin(bottle_, step.id, step.cause);
        Outcome outcome;
        try {
            outcome = act(step.action, desired, snapshot);
        } catch (const Error& error) {
            outcome = failed(error.what(), error.problems().front().hint);
        }
        store_.journal_end(entry, result_text(outcome));
        return outcome;
    } catch (const Error& error) {
        // What cannot be recorded may not be done, but for a stop: that is always safe.
        if (std::holds_alternative<StopMachine>(step.action)) return machine_.act(StopMachine{});
        return failed(error.what());
    }
}

Outcome BottleWorld::act(const Action& action, const Desired& desired, const Snapshot& snapshot) {
    const auto view = snapshot.docker.present() ? *snapshot.docker : DockerView{};
    return std::visit(
        [&](const auto& a) -> Outcome {
            using A = std::decay_t<decltype(a)>;
            if constexpr (std::is_same_v<A, CreateMachine>) return create(a);
            else if constexpr (std::is_same_v<A, CopyImage>) return copy_image(a);
            else if constexpr (std::is_same_v<A, MakeSocketFolder>) return make_socket_folder(a.folder);
            else if constexpr (std::is_same_v<A, StartContainer>) return start_container(a, desired, view);
            else if constexpr (std::is_same_v<A, StartMachine>) return start(desired, snapshot);
            else if constexpr (std::is_same_v<A, StopMachine>) return stop();
            else if constexpr (std::is_same_v<A, Prove>) return prove(desired, snapshot);
            else if constexpr (std::is_same_v<A, Provision>) return provision(a, desired, snapshot);
            else if constexpr (std::is_same_v<A, Launch>) return launch_workload(a, desired, snapshot);
            else if constexpr (requires { record_grant(a, snapshot); }) return record_grant(a, snapshot);
            else if constexpr (std::is_same_v<A, Forget>) return forget();
            else if constexpr (requires { machine_.act(a); }) return machine_.act(a);
            else if constexpr (requires { firewall_.act(a); }) return firewall_.act(a);
            else return docker_.act(a, view);
        },
        action);
}

SmolvmInvocation BottleWorld::invocation() const {
    return machine_.smolvm()->invocation(machine_.paths(), machine_.machine());
}

Outcome BottleWorld::copy_image(const CopyImage& action) {
    return machine_.act(action, [this](const std::string& id, int fd, std::uint64_t cap) { return docker_.save_image(id, fd, cap); });
}

Outcome BottleWorld::create(const CreateMachine& action) {
    store_.save_unproved(bottle_, action.takes_disks ? std::nullopt : std::optional(Unproved::Created));
    return machine_.act(action);
}

Outcome BottleWorld::start_container(const StartContainer& action, const Desired& desired, const DockerView& view) {
    auto outcome = docker_.act(action, view);
    if (outcome.kind != Outcome::Kind::Done || !desired.socket_folder || !is_infra(action, desired, view)) return outcome;
    outcome = await_socket(desired);
    if (outcome.kind != Outcome::Kind::Done) outcome.hint = fmt::format("bottle logs {}/{}", bottle_, kInfra);
    return outcome;
}

/// Infra has its socket a moment after Docker says that it runs. Which file that is goes into our records: another one is not infra's.
Outcome BottleWorld::await_socket(const Desired& desired) {
    const auto& folder = *desired.socket_folder;
    auto outcome = wait_for_socket(desired.machine.socket->host_path, kSocketPatience);
    if (outcome.kind != Outcome::Kind::Done) return outcome;
    const auto place = look_at_socket_folder(folder.path);
    if (place.unknown()) return failed(place.why());
    std::string problem;
    const auto socket = socket_identity(place, folder, problem);
    if (!problem.empty()) return failed(problem);
    store_.save_socket(bottle_, socket);
    return outcome;
}

Outcome BottleWorld::start(const Desired& desired, const Snapshot& snapshot) {
    StartRecord record;
    if (desired.firewall) {
        const auto wall = firewall_.observe(desired.firewall->uid);
        const auto doubt = wall.present() ? compare_firewall(*wall, *desired.firewall) : wall.unknown() ? wall.why() : "it is gone";
        if (!doubt.empty()) return failed("the firewall is not as installed: " + doubt);
        record.firewalled = true;
    }
    if (snapshot.stored->unproved) store_.save_unproved(bottle_, Unproved::Started);
    auto outcome = machine_.start(desired.machine, snapshot.host.boot_id, kUnprovedBound, record);
    if (outcome.kind == Outcome::Kind::Done) store_.save_start(bottle_, record);
    return outcome;
}

/// smolvm's exec client, which held the agent's command, writes the machine's row back as it once read it when it ends (1.32.2): a change of ours
/// that came before would be undone.
Outcome BottleWorld::stop() {
    auto outcome = machine_.act(StopMachine{});
    const auto end = std::chrono::steady_clock::now() + kKeeperPatience;
    while (std::chrono::steady_clock::now() < end) {
        const auto workload = observe_workload(place_.bottle_folder(bottle_));
        if (!workload.present() || !std::holds_alternative<WorkloadRunning>(workload->state)) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return outcome;
}

Surroundings BottleWorld::surroundings(const Desired& desired, const Snapshot& snapshot) const {
    Surroundings around;
    around.bundle_address = desired.bundle_address;
    around.ports = desired.ports;
    if (desired.machine.tsi) around.alias = desired.dialled;
    if (desired.machine.socket) around.socket = desired.machine.socket->guest_path;
    around.internal_gateway = gateway_of(desired.allocation.internal_subnet);
    if (desired.networks.size() > 1) around.external_gateway = gateway_of(desired.allocation.external_subnet);
    around.host_addresses = host_addresses();
    for (const auto& [name, allocation] : snapshot.stored->other_allocations) around.neighbours.push_back({name, gateway_of(allocation.internal_subnet), allocation.alias});
    return around;
}

/// Without the surroundings.
GuestScope BottleWorld::guest_scope() const {
    GuestScope scope;
    scope.smolvm = invocation();
    scope.vm_folder = machine_.paths().vm_folder;
    scope.scratch_folder = scratch_folder();
    return scope;
}

std::string BottleWorld::scratch_folder() const {
    auto folder = place_.bottle_folder(bottle_) + "/probe";
    make_private_folder(folder);
    return folder;
}

Outcome BottleWorld::stand_forwarder(const Desired& desired) {
    if (!desired.machine.socket) return {};
    if (!machine_.smolvm()) return failed("smolvm is not on PATH");
    GuestScope scope = guest_scope();
    scope.around.ports = desired.ports;
    scope.around.socket = desired.machine.socket->guest_path;
    return guest_.stand_forwarder(scope);
}

Outcome BottleWorld::prove(const Desired& desired, const Snapshot& snapshot) {
    const auto key = proof_key(desired, snapshot);
    const auto* vmm = only_vmm(snapshot);
    if (!key || vmm == nullptr || !machine_.smolvm()) return failed("there is no one machine that a proof could be of");
    GuestScope scope = guest_scope();
    scope.around = surroundings(desired, snapshot);
    scope.vmm_uid = vmm->uid;
    scope.infra_pid = docker_.pid_of(key->infra_id);
    scope.deadline = kProbeDeadline;
    const auto& build = started_build(snapshot.stored);
    scope.denial_log = build.denial_log && !desired.machine.tsi;
    std::optional<WallReading> wall;
    if (!build.denial_log) wall = WallReading{build.version, desired.firewall, vmm->uid, firewall_.observe(vmm->uid), {}};
    auto reading = guest_.probe(scope);
    if (wall) wall->after = firewall_.observe(vmm->uid);
    reading.wall = std::move(wall);
    const GuestProof proof{*key, judge_guest(reading), timestamp(), raw_text(reading)};
    const bool holds = guest_holds(proof.evidence);
    // From here on there may be something on its disks. The probe has had them written, so that they outlive this boot.
    if (holds && snapshot.stored->unproved) store_.save_unproved(bottle_, std::nullopt);
    store_.save_proof(bottle_, proof);
    // From here on the proof stands in our records: whether it holds is for the next look to say, and one that does not is stopped.
    if (holds && !machine_.release_guard()) return failed("the guard of this boot had died: nobody watched it to the end");
    return {};
}

Outcome BottleWorld::provision(const Provision& action, const Desired& desired, const Snapshot& snapshot) {
    const auto* vmm = only_vmm(snapshot);
    if (vmm == nullptr || !machine_.smolvm()) return failed("no machine runs");
    std::vector<GuestCopy> copies;
    for (const auto& copy : action.copies) {
        auto read = read_agent_files(copy);
        if (!read.problem.empty()) return failed(read.problem, read.hint);
        if (sha256_hex(copy_text(read.files)) != copy.digest) return {Outcome::Kind::Retry, in_words(copy) + " changed while it was read", {}};
        copies.push_back({copy.target, std::move(read.files)});
    }
    for (const auto& target : action.removed) copies.push_back({target, {}});
    Outcome outcome;
    if (action.gives_folders) outcome = guest_.provision(invocation(), action.user);
    if (outcome.kind == Outcome::Kind::Done) outcome = guest_.place_copies(invocation(), scratch_folder(), action.user, std::move(copies));
    if (outcome.kind != Outcome::Kind::Done) return outcome;
    std::map<std::string, std::string> copied;
    for (const auto& copy : desired.copies) copied[copy.target] = copy.digest;
    store_.save_provisioned(bottle_, vmm_text(*vmm), copied);
    return outcome;
}

KeeperRequest BottleWorld::keeper_request(const Workload& workload, const Desired& desired, const VmmProcess& vmm) const {
    return {invocation(), workload, {}, {vmm.pid, vmm.start_time, desired.workload_digest, 0, {}, std::nullopt}};
}

Outcome BottleWorld::launch_workload(const Launch& action, const Desired& desired, const Snapshot& snapshot) {
    const auto* vmm = only_vmm(snapshot);
    if (vmm == nullptr || !machine_.smolvm()) return failed("no machine runs");
    if (auto outcome = stand_forwarder(desired); outcome.kind != Outcome::Kind::Done) return outcome;
    LaunchRequest request;
    request.state_folder = place_.bottle_folder(bottle_);
    request.keeper = keeper_request(action.workload, desired, *vmm);
    if (auto outcome = place_secrets(action.workload, request.keeper); outcome.kind != Outcome::Kind::Done) return outcome;
    auto outcome = launch(request);
    if (outcome.kind != Outcome::Kind::Done && !request.keeper.secrets_file.empty()) guest_.remove_secrets(request.keeper.smolvm, request.keeper.secrets_file);
    return outcome;
}

/// The values go straight from their sources into the guest's memory: the keeper, and smolvm's client that holds the command, never have them.
Outcome BottleWorld::place_secrets(const Workload& workload, KeeperRequest& keeper) {
    if (workload.secrets.empty()) return {};
    const auto digest = place_.keyed_digest(false);
    SecretBytes script;
    std::set<std::string> names;
    for (const auto& [variable, name] : workload.secrets) {
        names.insert(name);
        const auto appended = secrets_.append_line(name, variable, digest, script);
        if (!appended.problem.empty()) return {Outcome::Kind::Failed, fmt::format("secret {} cannot be read: {}", name, appended.problem), {}, Exit::Precondition};
        keeper.record.secrets[name] = appended.fingerprint;
    }
    auto outcome = guest_.place_secrets(keeper.smolvm, workload.user, script, keeper.secrets_file);
    if (outcome.kind == Outcome::Kind::Done) secrets_.forget(names);
    return outcome;
}

Outcome BottleWorld::record_grant(const GrantSecret& action, const Snapshot& snapshot) {
    auto grants = snapshot.stored->grants;
    grants.push_back(action.grant);
    store_.save_grants(bottle_, grants);
    return {};
}

Outcome BottleWorld::record_grant(const RevokeSecret& action, const Snapshot& snapshot) {
    auto grants = snapshot.stored->grants;
    grants.erase(std::remove(grants.begin(), grants.end(), action.grant), grants.end());
    store_.save_grants(bottle_, grants);
    return {};
}

int BottleWorld::run_workload(const Desired& desired, const Snapshot& snapshot, ForegroundCommand terminal, const Attendance& attendance) {
    const auto* vmm = only_vmm(snapshot);
    if (vmm == nullptr || !machine_.smolvm() || !desired.workload) throw Error(Exit::Failed, "no machine runs that the agent's command could be launched in");
    auto request = keeper_request(*desired.workload, desired, *vmm);
    WorkloadHold hold;
    const auto entry = store_.journal_begin(bottle_, "launch " + desired.workload->command.front(), "bottle run");
    auto outcome = stand_forwarder(desired);
    if (outcome.kind == Outcome::Kind::Done) outcome = place_secrets(*desired.workload, request);
    if (outcome.kind == Outcome::Kind::Done) outcome = held(hold, request);
    store_.journal_end(entry, result_text(outcome));
    if (outcome.kind != Outcome::Kind::Done) throw Error(outcome.exit, "the agent's command: " + outcome.text, outcome.hint);
    terminal.command = workload_words(request);
    terminal.env = desired.workload->env;
    terminal.user = desired.workload->user;
    const int code = exec_in_guest(request.smolvm, terminal, attendance);
    if (const auto lost = hold.ended(code); !lost.empty()) throw Error(Exit::Failed, lost);
    return code;
}

/// Where it cannot be held, nobody comes to read the secrets.
Outcome BottleWorld::held(WorkloadHold& hold, const KeeperRequest& request) {
    const auto problem = hold.take(place_.bottle_folder(bottle_), request.record);
    if (problem.empty()) return {};
    if (!request.secrets_file.empty()) guest_.remove_secrets(request.smolvm, request.secrets_file);
    return failed(problem);
}

Outcome BottleWorld::forget() {
    const auto held = store_.allocations();
    if (const auto found = held.find(bottle_); found != held.end()) {
        const auto& allocation = found->second;
        remove_folder(socket_folder_path(allocation, place_.folder, bottle_));
        if (allocation.vmm_uid != 0) unregister_uid(place_.uid_registry, allocation.vmm_uid, uid_holder(place_.folder, bottle_));
    }
    store_.forget(bottle_);
    const auto image = std::filesystem::path(machine_.paths().image).parent_path().string();
    for (const auto& folder : {machine_.paths().cache, image, place_.bottle_folder(bottle_)}) {
        // A root file system may hold folders whose modes keep their owner out.
        remove_folder(folder);
    }
    return {};
}

}  // namespace bottle
