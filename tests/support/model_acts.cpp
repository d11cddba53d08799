#include "tests/support/model_world.h"

#include <fmt/format.h>

#include <algorithm>

// What each act does to the world: Docker's and smolvm's own transitions.
namespace bottle::model {
namespace {

using nlohmann::ordered_json;

Outcome failed(std::string text) {
    return {Outcome::Kind::Failed, std::move(text), ""};
}

}  // namespace

Outcome ModelWorld::execute(const Step& step, const Desired& desired, const Snapshot&) {
    if (failing_steps.count(step.kind) > 0) return failed("it fails, as this test asks");
    if (lying_steps.count(step.kind) > 0) return {};
    if (std::holds_alternative<DeleteMachine>(step.action) && disks_used && step.cost != Cost::Data) violations.push_back("disks that were used went without a word");
    ++mutations;
    acts.push_back(step.id);
    desired_ = &desired;
    auto outcome = std::visit([this](const auto& action) { return act(action); }, step.action);
    desired_ = nullptr;
    check_invariants();
    return outcome;
}

Outcome ModelWorld::act(const ImportPauseImage&) {
    images[kPauseImage] = images.at("bottle-pause:import");
    return {};
}

Outcome ModelWorld::act(const CreateVolume& a) {
    volumes[a.volume.name] = a.volume;
    return {};
}

Outcome ModelWorld::act(const RemoveVolume& a) {
    volumes.erase(a.name);
    return {};
}

Outcome ModelWorld::act(const CreateNetwork& a) {
    if (network_named(a.network.name) != nullptr) return failed("network with that name exists");
    ObservedNetwork network;
    network.id = next_id("a");
    network.is = a.network;
    networks[network.id] = network;
    return {};
}

Outcome ModelWorld::act(const RemoveNetwork& a) {
    // 403 while a running container has an endpoint on it (20.10).
    for (const auto& [id, container] : containers) {
        for (const auto& attachment : container.is.networks) {
            if (attachment.network_id == a.id && container.status == "running") return failed("network has active endpoints");
        }
    }
    if (networks.count(a.id) > 0 && !is_marked(networks.at(a.id).is.labels)) violations.push_back("a network without our labels was removed");
    if (live && a.id == (network_named(network_name(bottle_)) != nullptr ? network_named(network_name(bottle_))->id : "")) {
        violations.push_back("the internal network was removed while the machine lives");
    }
    networks.erase(a.id);
    return {};
}

Outcome ModelWorld::act(const CreateContainer& a) {
    if (container_named(a.container.name) != nullptr) return failed("container name is in use");
    ObservedContainer container;
    container.id = next_id("c");
    container.is = a.container;
    container.is.networks.clear();
    if (!a.container.networks.empty()) {
        auto first = a.container.networks.front();
        const auto* network = network_named(first.network);
        if (network == nullptr) return failed("network not found");
        first.network_id = network->id;
        container.is.networks.push_back(first);
    }
    modes_[container.id] = {a.container.network_mode, id_of_mode(a.container.network_mode)};
    container.status = "created";
    container.created_at = now();
    container.started_at = "0001-01-01T00:00:00Z";
    containers[container.id] = container;
    return {};
}

Outcome ModelWorld::act(const ConnectNetwork& a) {
    auto* container = container_named(a.container_id);
    const auto* network = network_named(a.network_id);
    if (container == nullptr || network == nullptr) return failed("not found");
    container->is.networks.push_back({network->is.name, network->id, a.ipv4, ""});
    std::sort(container->is.networks.begin(), container->is.networks.end(), [](const auto& x, const auto& y) { return x.network < y.network; });
    return {};
}

Outcome ModelWorld::act(const DisconnectNetwork& a) {
    auto* container = container_named(a.container_id);
    const auto* network = network_named(a.network_id);
    if (container == nullptr || network == nullptr) return failed("not found");
    auto& on = container->is.networks;
    on.erase(std::remove_if(on.begin(), on.end(), [&](const Attachment& x) { return x.network_id == network->id; }), on.end());
    return {};
}

Outcome ModelWorld::act(const StartContainer& a) {
    auto* container = container_named(a.id);
    if (container == nullptr) return failed("no such container");
    const bool joins = container->is.network_mode.rfind("container:", 0) == 0;
    const auto* joined = joins ? container_named(modes_[container->id].id) : nullptr;
    if (joins && (joined == nullptr || joined->status != "running")) return failed("cannot join network of a non running container");
    // A bind whose source is not there (20.10).
    if (!container->is.mounts.empty() && container->is.mounts.front().rfind("bind ", 0) == 0 && !socket_place) return failed("bind source path does not exist");
    container->status = "running";
    container->started_at = now();
    run_infra(container->is);
    if (container->is.name == container_name(bottle_, kInfra) && desired_->socket_folder) stored.socket = socket_there();
    return {};
}

Outcome ModelWorld::act(const RemoveContainer& a) {
    if (containers.count(a.id) > 0 && !is_marked(containers.at(a.id).is.labels)) violations.push_back("a container without our labels was removed");
    containers.erase(a.id);
    return {};
}

Outcome ModelWorld::act(const RemoveImage& a) {
    for (auto it = images.begin(); it != images.end();) it = it->second.id == a.id ? images.erase(it) : std::next(it);
    return {};
}

Outcome ModelWorld::act(const CopyImage& a) {
    if (live) violations.push_back("the image was exchanged beneath a running machine");
    if (!source_listing) return failed("the folder is not there");
    const auto& is = a.source.id.empty() ? *source_listing : a.source.id;
    image_listing = "copy of " + is;
    image_copy = ImageCopy{a.source.from, is, image_listing};
    return {};
}

Outcome ModelWorld::act(const MakeSocketFolder& a) {
    socket_folder = a.folder.path;
    socket_place = SocketPlace{a.folder.uid, a.folder.gid < 0 ? 1000 : a.folder.gid, a.folder.gid < 0 ? 0700u : 0710u, {}};
    return {};
}

Outcome ModelWorld::act(const ClaimUid& a) {
    uid_claim = a.uid;
    if (!vm_folder) vm_folder = false;
    return {};
}

Outcome ModelWorld::act(const CreateMachine& a) {
    if (row) return failed("machine already exists");
    stored.unproved = a.takes_disks ? std::nullopt : std::optional(Unproved::Created);
    if (a.takes_disks != vm_folder.value_or(false)) violations.push_back("a machine was made without knowing of its disks");
    new_disks = !a.takes_disks;
    row = MachineRow{created_row(a.machine), true};
    return {};
}

Outcome ModelWorld::act(const UpdateMachine& a) {
    // "expected stopped, got Running" (1.32.2); a row that is TEXT cannot be read.
    if (!row || live || !row->is_blob) return failed("invalid vm state");
    auto data = ordered_json::parse(row->data);
    data["cpus"] = a.machine.cpus;
    data["mem"] = a.machine.memory_mib;
    row->data = data.dump();
    return {};
}

Outcome ModelWorld::act(const SetAllowlist& a) {
    if (!row || row->data != a.expected_row) return failed("the row changed since it was looked at");
    auto data = ordered_json::parse(row->data);
    data["network"] = !a.cidr.empty();
    data["allowed_cidrs"] = a.cidr.empty() ? ordered_json() : ordered_json::array({a.cidr});
    if (a.cidr.empty()) data.erase("dns_filter_hosts");
    else data["dns_filter_hosts"] = ordered_json::array();
    if (a.tsi) data.erase("dns_filter_hosts");
    row = MachineRow{data.dump(), true};
    return {};
}

Outcome ModelWorld::act(const InstallFirewall& a) {
    if (firewall_unreadable) return failed(*firewall_unreadable);
    firewall = listed_firewall(a.rules.uid, a.rules.address, a.rules.ports);
    return {};
}

Outcome ModelWorld::act(const RemoveFirewall&) {
    if (live) violations.push_back("the firewall was removed while the machine lives");
    firewall.reset();
    return {};
}

Outcome ModelWorld::act(const StartMachine&) {
    if (!row || !row->is_blob) return failed("machine not found");
    if (desired_->firewall && !firewall) return failed("the firewall is not as installed");
    if (stored.unproved) stored.unproved = Unproved::Started;
    if (disks_lost) return failed("refresh persistent overlay resolver: No such file or directory");
    // "already running", exit 0, applies nothing (1.32.2).
    if (!live) start_machine(true);
    return {};
}

Outcome ModelWorld::act(const StopMachine&) {
    kill_vmm();
    return {};
}

Outcome ModelWorld::act(const PauseMachine&) {
    if (!live) return failed("the machine does not run");
    live->paused = true;
    return {};
}

Outcome ModelWorld::act(const ResumeMachine&) {
    if (!live) return failed("the machine does not run");
    if (!leak().empty()) violations.push_back("a machine was resumed that reaches " + leak());
    live->paused = false;
    return {};
}

Outcome ModelWorld::act(const DeleteMachine&) {
    kill_vmm();
    new_disks = disks_lost = disks_used = false;
    row.reset();
    vm_folder.reset();
    uid_claim.reset();
    return {};
}

Outcome ModelWorld::act(const SealMachine&) {
    if (live) live->channels.clear();
    return {};
}

Outcome ModelWorld::act(const Prove&) {
    if (!live) return failed("the machine does not run");
    GuestProof proof;
    proof.key.boot_id = host.boot_id;
    proof.key.pid = live->pid;
    proof.key.start_time = live->start_time;
    proof.key.row_digest = *machine_view().row_digest;
    const auto* infra = container_named(container_name(bottle_, kInfra));
    if (infra == nullptr) return failed("infra is gone");
    proof.key.infra_id = infra->id;
    proof.key.infra_started_at = infra->started_at;
    for (const auto& network : desired_->networks) {
        if (const auto* is = network_named(network.name)) proof.key.network_ids.push_back(is->id);
    }
    if (!live->sockets.empty()) proof.key.socket = socket_there();
    for (const auto& p : desired_->ports) proof.key.ports.push_back(fmt::format("{} {} {}", p.container, p.name, p.port));
    for (const auto& b : model_binaries()) {
        proof.key.binaries_digest += fmt::format("{}:{}:{}:{}:{};", b.device, b.inode, b.size, b.mtime_ns, b.ctime_ns);
    }
    proof.evidence = probe();
    new_disks = false;
    stored.proof = proof;
    if (std::all_of(proof.evidence.begin(), proof.evidence.end(), [](const Evidence& e) { return e.verdict == Verdict::Holds; })) stored.unproved.reset();
    return {};
}

Outcome ModelWorld::act(const Provision& action) {
    if (!live) return failed("the machine does not run");
    stored.provisioned = fmt::format("{}:{}", live->pid, live->start_time);
    for (const auto& target : action.removed) stored.copied.erase(target);
    for (const auto& copy : action.copies) stored.copied[copy.target] = copy.digest;
    return {};
}

Outcome ModelWorld::act(const Launch& action) {
    if (!live) return failed("the machine does not run");
    const bool proved = stored.proof && stored.proof->key.pid == live->pid && stored.proof->key.start_time == live->start_time;
    if (!proved || !live->by_us || !live->channels.empty()) violations.push_back("the workload was launched before the proof of its boot");
    live->workload_ran = true;
    disks_used = true;
    workload = ObservedWorkload{live->pid, live->start_time, desired_->workload_digest, WorkloadRunning{4242}};
    for (const auto& [variable, name] : action.workload.secrets) {
        const auto value = secrets.find(name);
        if (value == secrets.end() || !value->second.present()) return failed("the secret cannot be read");
        workload->secrets[name] = *value->second;
    }
    return {};
}

Outcome ModelWorld::act(const GrantSecret& action) {
    stored.grants.push_back(action.grant);
    return {};
}

Outcome ModelWorld::act(const RevokeSecret& action) {
    stored.grants.erase(std::remove(stored.grants.begin(), stored.grants.end(), action.grant), stored.grants.end());
    return {};
}

Outcome ModelWorld::act(const Forget&) {
    stored.allocation.reset();
    stored.start.reset();
    stored.proof.reset();
    stored.provisioned.reset();
    stored.copied.clear();
    stored.socket.reset();
    stored.grants.clear();
    return {};
}
bool ModelWorld::is_marked(const Labels& labels) const {
    const auto found = labels.find(label::kName);
    return found != labels.end() && found->second == bottle_;
}

void ModelWorld::check_invariants() {
    if (live && live->workload_ran && !leak().empty()) violations.push_back("the workload runs in a machine that reaches " + leak());
}

}  // namespace bottle::model
