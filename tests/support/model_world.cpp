#include "tests/support/model_world.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle::model {
namespace {

using nlohmann::ordered_json;

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Outcome failed(std::string text) {
    return {Outcome::Kind::Failed, std::move(text), ""};
}

}  // namespace

namespace {

/// Docker's own choice for an endpoint: the first address of the IP range (20.10), for the one stranger that a test connects.
std::string first_of_range(const Network& network) {
    const auto& pool = network.ipam.front();
    const auto range = pool.substr(pool.rfind(' ') + 1);
    return range.substr(0, range.find('/'));
}

}  // namespace

std::vector<FileIdentity> model_binaries() {
    return {{"/opt/smolvm/smolvm", 1, 100, 41143984, 1, 1}, {"/opt/smolvm/libkrun.so", 1, 101, 7384952, 1, 1}, {"/opt/smolvm/libkrunfw.so.5", 1, 102, 17237688, 1, 1}};
}

std::string created_row(const Machine& machine) {
    // Keys, order and values as `machine create` of 1.32.2 writes them.
    ordered_json row = {{"name", machine.name}, {"created_at", 1795522785}, {"state", "created"}, {"pid", nullptr}, {"pid_start_time", nullptr},
                        {"cpus", machine.cpus}, {"mem", machine.memory_mib}, {"block_io", "sync"}, {"disk_durability", "full"},
                        {"mounts", ordered_json::array()}, {"staged_mounts", ordered_json::array()}, {"staged_mounts_detached_from", nullptr},
                        {"ports", ordered_json::array()}, {"published_sockets", ordered_json::array()}, {"network", false}, {"gpu", nullptr},
                        {"nested_virt", nullptr}, {"gpu_vram_mib", nullptr}, {"rosetta", nullptr},
                        {"restart", {{"policy", "never"}, {"max_retries", 0}, {"max_backoff_secs", 0}, {"restart_count", 0}, {"user_stopped", false}}},
                        {"last_exit_code", nullptr}, {"init", ordered_json::array()}, {"init_completed", false},
                        {"remote_volumes", ordered_json::array()}, {"env", ordered_json::array()}, {"workdir", nullptr},
                        {"storage_gb", machine.storage_gib}, {"overlay_gb", machine.overlay_gib}, {"allowed_cidrs", nullptr},
                        {"image", "local-dir:" + machine.rootfs}, {"entrypoint", ordered_json::array()}, {"cmd", ordered_json::array()},
                        {"labels", machine.labels}, {"health_cmd", nullptr}, {"health_interval_secs", nullptr}, {"health_timeout_secs", nullptr},
                        {"health_retries", nullptr}, {"health_startup_grace_secs", nullptr}, {"ssh_agent", false}, {"cuda", false},
                        {"docker_socket", false}, {"ephemeral", false}, {"runtime_managed", false}};
    return row.dump();
}

ModelWorld::ModelWorld() {
    host.boot_id = "boot-1";
    host.owner = "0123456789abcdef0123456789abcdef";
    host.state_folder = "/var/lib/state/bottle";
    Image pause;
    pause.entrypoint = {"/pause"};
    pause.user = "65534:65534";
    pause.labels = {{label::kComponent, "pause"}};
    pause.id = "sha256:" + std::string(64, '0');
    images["bottle-pause:import"] = pause;
}

std::string ModelWorld::next_id(const std::string& kind) {
    return fmt::format("{:0>12}{:0>52}", fmt::format("{}{}", kind, ++ids_), 0);
}

std::string ModelWorld::now() {
    ++clock_;
    // Docker leaves out trailing zeros of the fraction.
    return clock_ % 2 == 0 ? fmt::format("2026-01-01T00:{:02}:{:02}.5Z", clock_ / 60 % 60, clock_ % 60)
                           : fmt::format("2026-01-01T00:{:02}:{:02}.123456789Z", clock_ / 60 % 60, clock_ % 60);
}

ObservedNetwork* ModelWorld::network_named(const std::string& name_or_id) {
    for (auto& [id, network] : networks) {
        if (id == name_or_id || network.is.name == name_or_id) return &network;
    }
    return nullptr;
}

ObservedContainer* ModelWorld::container_named(const std::string& name_or_id) {
    for (auto& [id, container] : containers) {
        if (id == name_or_id || container.is.name == name_or_id) return &container;
    }
    return nullptr;
}

// --- looking ---

std::string ModelWorld::id_of_mode(const std::string& mode) const {
    const bool joins = mode.rfind("container:", 0) == 0;
    for (const auto& [id, container] : containers) {
        if (joins && container.is.name == mode.substr(std::string("container:").size())) return id;
    }
    for (const auto& [id, network] : networks) {
        if (!joins && network.is.name == mode) return id;
    }
    return {};
}

ObservedContainer ModelWorld::as_seen(const ObservedContainer& container) const {
    const auto mode = modes_.find(container.id);
    auto seen = container;
    if (mode == modes_.end() || mode->second.text != container.is.network_mode) return seen;
    const auto& id = mode->second.id;
    if (containers.count(id) == 0 && networks.count(id) == 0) seen.is.network_mode = mode->second.text.rfind("container:", 0) == 0 ? "container:" + id : id;
    return seen;
}

DockerView ModelWorld::docker_view(const std::vector<std::string>& image_refs) const {
    DockerView view;
    for (const auto& [id, network] : networks) {
        auto seen = network;
        std::vector<Endpoint> endpoints;
        // `GET /networks/{id}` lists running containers only (20.10).
        for (const auto& [container_id, container] : containers) {
            if (container.status != "running") continue;
            for (const auto& attachment : container.is.networks) {
                if (attachment.network_id == id) endpoints.push_back({container_id, container.is.name, attachment.ipv4.empty() ? first_of_range(network.is) : attachment.ipv4});
            }
        }
        seen.endpoints = endpoints;
        view.networks.push_back(std::move(seen));
    }
    for (const auto& [id, container] : containers) view.containers.push_back(as_seen(container));
    for (const auto& [name, volume] : volumes) view.volumes.push_back(volume);
    for (const auto& ref : image_refs) {
        if (const auto image = images.find(ref); image != images.end()) view.images[ref] = image->second;
        else view.images[ref] = Absent{};
    }
    return view;
}

MachineView ModelWorld::machine_view() const {
    MachineView view;
    if (database_locked) {
        view.row = Unknown{*database_locked};
        view.row_digest = Unknown{*database_locked};
    } else if (row) {
        view.row = *row;
        auto text = ordered_json::parse(row->data, nullptr, false);
        // smolvm rewrites these at start and stop, and moves dns_filter_hosts (1.32.2).
        for (const auto* key : {"state", "pid", "pid_start_time", "init_completed"}) {
            if (text.is_object()) text.erase(key);
        }
        view.row_digest = nlohmann::json(text).dump();
    } else {
        view.row = Absent{};
        view.row_digest = Absent{};
    }
    if (vm_folder) view.vm_folder = *vm_folder;
    else view.vm_folder = Absent{};
    view.lock_held = false;
    if (uid_claim) view.uid_claim = *uid_claim;
    else view.uid_claim = Absent{};
    std::vector<VmmProcess> processes;
    if (live) {
        processes.push_back({live->pid, live->start_time, live->uid, live->executable, live->libraries, live->environment});
        view.running_config = live->running_config;
        view.live_channels = live->channels;
    } else {
        view.running_config = Absent{};
        view.live_channels = std::set<std::string>{};
    }
    if (processes_unreadable) view.processes = Unknown{*processes_unreadable};
    else view.processes = processes;
    return view;
}

Observation<Route> ModelWorld::route(const std::string& address) const {
    for (const auto& [id, network] : networks) {
        if (network.is.ipam.empty()) continue;
        const auto& pool = network.is.ipam.front();
        if (!address.empty() && pool.rfind(address.substr(0, address.find_last_of('.') + 1), 0) == 0) return Route{"br-" + id.substr(0, 12), false, false};
    }
    return Absent{};
}

Snapshot ModelWorld::observe(const Scope& scope) {
    bottle_ = scope.bottle;
    bundle_address_ = scope.bundle_address;
    Snapshot snapshot;
    snapshot.host = host;
    if (docker_down) snapshot.docker = Unknown{*docker_down};
    else snapshot.docker = docker_view(scope.image_refs);
    snapshot.machine = machine_view();
    snapshot.route = route(scope.bundle_address);
    // A workload's record is of one boot.
    if (workload && live && workload->vmm_pid == live->pid) snapshot.workload = *workload;
    else snapshot.workload = Absent{};
    snapshot.stored = stored;
    return snapshot;
}

// --- acting ---

Outcome ModelWorld::execute(const Step& step, const Desired& desired, const Snapshot&) {
    if (failing_steps.count(step.kind) > 0) return failed("it fails, as this test asks");
    if (lying_steps.count(step.kind) > 0) return {};
    ++mutations;
    acts.push_back(step.id);
    auto outcome = act(step.action, desired);
    check_invariants();
    return outcome;
}

Outcome ModelWorld::act(const Action& action, const Desired& desired) {
    return std::visit(
        Overloaded{
            [&](const ImportPauseImage&) -> Outcome {
                images[kPauseImage] = images.at("bottle-pause:import");
                return {};
            },
            [&](const CreateVolume& a) -> Outcome {
                volumes[a.volume.name] = a.volume;
                return {};
            },
            [&](const RemoveVolume& a) -> Outcome {
                volumes.erase(a.name);
                return {};
            },
            [&](const CreateNetwork& a) -> Outcome {
                if (network_named(a.network.name) != nullptr) return failed("network with that name exists");
                ObservedNetwork network;
                network.id = next_id("a");
                network.is = a.network;
                networks[network.id] = network;
                return {};
            },
            [&](const RemoveNetwork& a) -> Outcome {
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
            },
            [&](const CreateContainer& a) -> Outcome {
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
            },
            [&](const ConnectNetwork& a) -> Outcome {
                auto* container = container_named(a.container_id);
                const auto* network = network_named(a.network_id);
                if (container == nullptr || network == nullptr) return failed("not found");
                container->is.networks.push_back({network->is.name, network->id, a.ipv4});
                std::sort(container->is.networks.begin(), container->is.networks.end(), [](const auto& x, const auto& y) { return x.network < y.network; });
                return {};
            },
            [&](const DisconnectNetwork& a) -> Outcome {
                auto* container = container_named(a.container_id);
                const auto* network = network_named(a.network_id);
                if (container == nullptr || network == nullptr) return failed("not found");
                auto& on = container->is.networks;
                on.erase(std::remove_if(on.begin(), on.end(), [&](const Attachment& x) { return x.network_id == network->id; }), on.end());
                return {};
            },
            [&](const StartContainer& a) -> Outcome {
                auto* container = container_named(a.id);
                if (container == nullptr) return failed("no such container");
                const bool joins = container->is.network_mode.rfind("container:", 0) == 0;
                const auto* joined = joins ? container_named(modes_[container->id].id) : nullptr;
                if (joins && (joined == nullptr || joined->status != "running")) return failed("cannot join network of a non running container");
                container->status = "running";
                container->started_at = now();
                return {};
            },
            [&](const RemoveContainer& a) -> Outcome {
                if (containers.count(a.id) > 0 && !is_marked(containers.at(a.id).is.labels)) violations.push_back("a container without our labels was removed");
                containers.erase(a.id);
                return {};
            },
            [&](const RemoveImage& a) -> Outcome {
                for (auto it = images.begin(); it != images.end();) it = it->second.id == a.id ? images.erase(it) : std::next(it);
                return {};
            },
            [&](const ClaimUid& a) -> Outcome {
                uid_claim = a.uid;
                if (!vm_folder) vm_folder = false;
                return {};
            },
            [&](const CreateMachine& a) -> Outcome {
                if (row) return failed("machine already exists");
                row = MachineRow{created_row(a.machine), true};
                return {};
            },
            [&](const UpdateMachine& a) -> Outcome {
                // "expected stopped, got Running" (1.32.2); a row that is TEXT cannot be read.
                if (!row || live || !row->is_blob) return failed("invalid vm state");
                auto data = ordered_json::parse(row->data);
                data["cpus"] = a.machine.cpus;
                data["mem"] = a.machine.memory_mib;
                row->data = data.dump();
                return {};
            },
            [&](const SetAllowlist& a) -> Outcome {
                if (!row || row->data != a.expected_row) return failed("the row changed since it was looked at");
                auto data = ordered_json::parse(row->data);
                data["network"] = true;
                data["allowed_cidrs"] = {a.cidr};
                data["dns_filter_hosts"] = ordered_json::array();
                row = MachineRow{data.dump(), true};
                return {};
            },
            [&](const StartMachine&) -> Outcome {
                if (!row || !row->is_blob) return failed("machine not found");
                // "already running", exit 0, applies nothing (1.32.2).
                if (!live) start_machine(true);
                return {};
            },
            [&](const StopMachine&) -> Outcome {
                kill_vmm();
                return {};
            },
            [&](const DeleteMachine&) -> Outcome {
                kill_vmm();
                row.reset();
                vm_folder.reset();
                uid_claim.reset();
                return {};
            },
            [&](const SealMachine&) -> Outcome {
                if (live) live->channels.clear();
                return {};
            },
            [&](const Prove&) -> Outcome {
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
                for (const auto& network : desired.networks) {
                    if (const auto* is = network_named(network.name)) proof.key.network_ids.push_back(is->id);
                }
                for (const auto& p : desired.ports) proof.key.ports.push_back(fmt::format("{} {} {}", p.container, p.name, p.port));
                for (const auto& b : model_binaries()) {
                    proof.key.binaries_digest += fmt::format("{}:{}:{}:{}:{};", b.device, b.inode, b.size, b.mtime_ns, b.ctime_ns);
                }
                proof.evidence = probe(desired);
                stored.proof = proof;
                return {};
            },
            [&](const Provision&) -> Outcome {
                if (!live) return failed("the machine does not run");
                stored.provisioned = fmt::format("{}:{}", live->pid, live->start_time);
                return {};
            },
            [&](const Launch&) -> Outcome {
                if (!live) return failed("the machine does not run");
                const bool proved = stored.proof && stored.proof->key.pid == live->pid && stored.proof->key.start_time == live->start_time;
                if (!proved || !live->by_us || !live->channels.empty()) violations.push_back("the workload was launched before the proof of its boot");
                live->workload_ran = true;
                workload = ObservedWorkload{live->pid, live->start_time, desired.workload_digest, WorkloadRunning{4242}};
                return {};
            },
            [&](const Forget&) -> Outcome {
                stored.allocation.reset();
                stored.start.reset();
                stored.proof.reset();
                stored.provisioned.reset();
                return {};
            },
        },
        action);
}

void ModelWorld::start_machine(bool by_us) {
    auto data = ordered_json::parse(row->data, nullptr, false);
    // smolvm reads a row whole or not at all (1.32.2).
    const auto& list = data.is_object() ? data["allowed_cidrs"] : data;
    if (!data.is_object() || !row->is_blob || !(list.is_null() || list.is_array())) return;
    LiveMachine machine;
    machine.pid = 1000 + ++ids_;
    machine.start_time = static_cast<std::uint64_t>(++clock_);
    machine.uid = uid_claim.value_or(2'000'000);
    machine.by_us = by_us;
    const auto binaries = model_binaries();
    machine.executable = binaries[0];
    machine.libraries = {binaries[1], binaries[2]};
    machine.environment = {{"PATH", "/usr/bin:/bin"}};
    machine.channels = {"control.sock", "egress.sock", "ports.sock"};
    ordered_json cidrs = data.contains("allowed_cidrs") ? data["allowed_cidrs"] : ordered_json();
    const bool online = data["network"] == true;
    if (!online) machine.reach = std::vector<std::string>{};
    else if (cidrs.is_array()) machine.reach = cidrs.get<std::vector<std::string>>();
    // Without dns_filter_hosts every name is forwarded, whatever the list says (1.32.2).
    machine.names_open = online && !(data.contains("dns_filter_hosts") && data["dns_filter_hosts"].is_array());
    const ordered_json config = {{"version", 1}, {"mounts", ordered_json::array()}, {"ports", ordered_json::array()},
                                 {"resources", {{"cpus", data["cpus"]}, {"memory_mib", data["mem"]}, {"network", data["network"]}, {"gpu", false},
                                                {"gpu_vram_mib", nullptr}, {"cuda", false}, {"nested_virt", false}, {"rosetta", false},
                                                {"storage_gib", data["storage_gb"]}, {"overlay_gib", data["overlay_gb"]}, {"block_io", "sync"},
                                                {"disk_durability", "full"}, {"allowed_cidrs", cidrs}, {"dns", nullptr},
                                                {"dns_options", ordered_json::array()}, {"shm_size", nullptr}}},
                                 {"forkable", false}};
    machine.running_config = config.dump();
    data["state"] = "running";
    data["pid"] = machine.pid;
    data["pid_start_time"] = machine.start_time;
    data["init_completed"] = true;
    row->data = data.dump();
    vm_folder = true;
    live = machine;
    if (by_us) stored.start = StartRecord{host.boot_id, machine.pid, machine.start_time, *machine_view().row_digest, model_binaries()};
}

std::vector<Evidence> ModelWorld::probe(const Desired&) const {
    std::vector<Evidence> evidence;
    const auto leaked = leak();
    evidence.push_back({EvidenceKind::Guest, leaked.empty() ? Verdict::Holds : Verdict::Fails, leaked.empty() ? "every control was denied" : leaked, ""});
    return evidence;
}

std::string ModelWorld::leak() const {
    if (!live) return {};
    if (!live->reach) return "every address";
    if (live->names_open) return "names";
    for (const auto& cidr : *live->reach) {
        if (cidr != bundle_address_ + "/32") return cidr;
    }
    return {};
}

bool ModelWorld::is_marked(const Labels& labels) const {
    const auto found = labels.find(label::kName);
    return found != labels.end() && found->second == bottle_;
}

void ModelWorld::check_invariants() {
    if (live && live->workload_ran && !leak().empty()) violations.push_back("the workload runs in a machine that reaches " + leak());
}

// --- by hand ---

void ModelWorld::add_image(const std::string& ref, Image image) {
    images[ref] = std::move(image);
}
void ModelWorld::start_by_hand() {
    if (row && !live) start_machine(false);
}
void ModelWorld::kill_vmm() {
    live.reset();
    if (!row) return;
    auto data = ordered_json::parse(row->data, nullptr, false);
    if (!data.is_object()) return;
    data["state"] = "stopped";
    data["pid"] = nullptr;
    data["pid_start_time"] = nullptr;
    row->data = data.dump();
}
void ModelWorld::restart_container(const std::string& name) {
    if (auto* container = container_named(name)) {
        container->status = "running";
        container->started_at = now();
    }
}
void ModelWorld::stop_container(const std::string& name) {
    auto* container = container_named(name);
    if (container == nullptr) return;
    container->status = "exited";
    container->exit_code = 128 + 9;
}
void ModelWorld::remove_container(const std::string& name) {
    if (const auto* container = container_named(name)) containers.erase(container->id);
}
void ModelWorld::remove_network(const std::string& name) {
    const auto* network = network_named(name);
    if (network == nullptr) return;
    const auto id = network->id;
    for (auto& [container_id, container] : containers) {
        auto& on = container.is.networks;
        on.erase(std::remove_if(on.begin(), on.end(), [&](const Attachment& a) { return a.network_id == id; }), on.end());
    }
    networks.erase(id);
}
void ModelWorld::connect(const std::string& network, const std::string& container) {
    auto* c = container_named(container);
    const auto* n = network_named(network);
    if (c != nullptr && n != nullptr) c->is.networks.push_back({n->is.name, n->id, ""});
}
void ModelWorld::disconnect(const std::string& network, const std::string& container) {
    auto* c = container_named(container);
    if (c == nullptr) return;
    auto& on = c->is.networks;
    on.erase(std::remove_if(on.begin(), on.end(), [&](const Attachment& a) { return a.network == network; }), on.end());
}
void ModelWorld::add_foreign_network(const std::string& name, const std::string& subnet) {
    ObservedNetwork network;
    network.id = next_id("f");
    network.is.name = name;
    network.is.ipam = {subnet + " - -"};
    networks[network.id] = network;
}
void ModelWorld::add_foreign_container(const std::string& name, const std::string& network) {
    ObservedContainer container;
    container.id = next_id("f");
    container.is.name = name;
    container.status = "running";
    container.created_at = container.started_at = now();
    containers[container.id] = container;
    connect(network, name);
}
void ModelWorld::write_row(const std::string& data, bool blob) {
    row = MachineRow{data, blob};
}
void ModelWorld::open_live(const std::string& cidr) {
    if (live && live->channels.count("egress.sock") > 0 && live->reach) live->reach->push_back(cidr);
}
void ModelWorld::reboot() {
    // The row still says running, with a pid of the boot before (1.32.2).
    live.reset();
    workload.reset();
    host.boot_id += "+";
    for (auto& [id, container] : containers) container.status = "exited";
}
void ModelWorld::change_row(const std::function<void(ordered_json&)>& change) {
    if (!row) return;
    auto data = ordered_json::parse(row->data, nullptr, false);
    if (!data.is_object()) return;
    change(data);
    row->data = data.dump();
}

}  // namespace bottle::model
