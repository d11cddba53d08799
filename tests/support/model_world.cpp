#include "tests/support/model_world.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle::model {
namespace {

using nlohmann::ordered_json;

/// Docker's own choice for an endpoint: the first address of the IP range, without one the first after the gateway's (20.10); for the one stranger
/// that a test connects.
std::string chosen_address(const Network& network) {
    const auto& pool = network.ipam.front();
    const auto range = pool.substr(pool.rfind(' ') + 1);
    if (range != "-") return range.substr(0, range.find('/'));
    return pool.substr(0, pool.find_last_of('.', pool.find('/')) + 1) + "2";
}

}  // namespace

std::vector<FileIdentity> model_binaries() {
    return {{"/opt/smolvm/smolvm", 1, 100, 41143984, 1, 1}, {"/opt/smolvm/libkrun.so", 1, 101, 7384952, 1, 1}, {"/opt/smolvm/libkrunfw.so.5", 1, 102, 17237688, 1, 1}};
}

std::string created_row(const Machine& machine) {
    // Keys, order and values as `machine create` of 1.32.2 writes them, with and without --mount-socket.
    auto sockets = ordered_json::array();
    if (machine.socket) sockets.push_back({{"direction", "mount"}, {"guest_path", machine.socket->guest_path}, {"host_path", machine.socket->host_path}});
    ordered_json row = {{"name", machine.name}, {"created_at", 1795522785}, {"state", "created"}, {"pid", nullptr}, {"pid_start_time", nullptr},
                        {"cpus", machine.cpus}, {"mem", machine.memory_mib}, {"block_io", "sync"}, {"disk_durability", "full"},
                        {"mounts", ordered_json::array()}, {"staged_mounts", ordered_json::array()}, {"staged_mounts_detached_from", nullptr},
                        {"ports", ordered_json::array()}, {"published_sockets", sockets}, {"network", false}, {"gpu", nullptr},
                        {"nested_virt", nullptr}, {"gpu_vram_mib", nullptr}, {"rosetta", nullptr},
                        {"restart", {{"policy", "never"}, {"max_retries", 0}, {"max_backoff_secs", 0}, {"restart_count", 0}, {"user_stopped", false}}},
                        {"last_exit_code", nullptr}, {"init", ordered_json::array()}, {"init_completed", false},
                        {"remote_volumes", ordered_json::array()}, {"env", ordered_json::array()}, {"workdir", nullptr},
                        {"storage_gb", machine.storage_gib}, {"overlay_gb", machine.overlay_gib}, {"allowed_cidrs", nullptr},
                        {"image", "local-dir:" + machine.rootfs}, {"entrypoint", ordered_json::array()}, {"cmd", {"sleep", "infinity"}},
                        {"labels", machine.labels}, {"health_cmd", nullptr}, {"health_interval_secs", nullptr}, {"health_timeout_secs", nullptr},
                        {"health_retries", nullptr}, {"health_startup_grace_secs", nullptr}, {"ssh_agent", false}, {"cuda", false},
                        {"docker_socket", false}, {"ephemeral", false}, {"runtime_managed", false}};
    if (machine.tsi) {
        // 0.8.0 to 1.1.2 (source).
        for (const auto* key : {"block_io", "disk_durability", "staged_mounts", "staged_mounts_detached_from", "published_sockets", "nested_virt", "rosetta", "remote_volumes",
                                "labels", "cuda", "docker_socket", "runtime_managed"}) {
            row.erase(key);
        }
        if (!machine.has_command) row["cmd"] = ordered_json::array();
    }
    return row.dump();
}

std::string listed_firewall(std::int64_t uid, const std::string& address, const std::vector<int>& ports) {
    int handle = 1;
    const auto table = fmt::format("bottle-{}", uid);
    const auto mine = fmt::format(R"({{"match": {{"op": "==", "left": {{"meta": {{"key": "skuid"}}}}, "right": {}}}}})", uid);
    auto text = fmt::format(R"({{"nftables": [{{"metainfo": {{"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}}}, )"
                            R"({{"table": {{"family": "inet", "name": "{0}", "handle": 9}}}}, {{"chain": {{"family": "inet", "table": "{0}", "name": "output", )"
                            R"("handle": {1}, "type": "filter", "hook": "output", "prio": 0, "policy": "accept"}}}})",
                            table, handle++);
    for (const int port : ports) {
        text += fmt::format(R"(, {{"rule": {{"family": "inet", "table": "{}", "chain": "output", "handle": {}, "expr": [{}, )"
                            R"({{"match": {{"op": "==", "left": {{"payload": {{"protocol": "ip", "field": "daddr"}}}}, "right": "{}"}}}}, )"
                            R"({{"match": {{"op": "==", "left": {{"payload": {{"protocol": "tcp", "field": "dport"}}}}, "right": {}}}}}, )"
                            R"({{"counter": {{"packets": 7, "bytes": 420}}}}, {{"accept": null}}]}}}})",
                            table, handle++, mine, address, port);
    }
    text += fmt::format(R"(, {{"rule": {{"family": "inet", "table": "{}", "chain": "output", "handle": {}, "expr": [{}, {{"counter": {{"packets": 2, "bytes": 120}}}}, )"
                        R"({{"reject": {{"type": "icmpx", "expr": "port-unreachable"}}}}]}}}}]}})",
                        table, handle, mine);
    return text;
}

ModelWorld::ModelWorld() {
    host.boot_id = "boot-1";
    smolvm_files = model_binaries();
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
    seen.live_ports.clear();
    for (const auto& attachment : seen.is.networks) {
        const auto network = networks.find(attachment.network_id);
        // Docker publishes by way of a network that leads out (20.10).
        if (container.status == "running" && network != networks.end() && !network->second.is.internal) seen.live_ports = seen.is.published_ports;
    }
    for (auto& attachment : seen.is.networks) {
        const auto network = networks.find(attachment.network_id);
        if (container.status != "running" || network == networks.end()) continue;
        attachment.address = attachment.ipv4.empty() ? chosen_address(network->second.is) : attachment.ipv4;
    }
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
                if (attachment.network_id == id) endpoints.push_back({container_id, container.is.name, attachment.ipv4.empty() ? chosen_address(network.is) : attachment.ipv4});
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
    view.folders = machine_folders;
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
        processes.push_back({live->pid, live->start_time, live->uid, live->executable, live->libraries, live->environment, {}});
        // A VMM is undumpable: only root may look into it (1.32.2).
        if (host.euid != 0) processes.back() = {live->pid, live->start_time, live->uid, {}, {}, {}, "only root may look into it"};
        processes.back().paused = live->paused;
        view.running_config = live->running_config;
        view.live_channels = live->channels;
    } else {
        view.running_config = Absent{};
        view.live_channels = std::set<std::string>{};
    }
    view.started_files = smolvm_files;
    if (image_copy) {
        view.image_copy = *image_copy;
        view.image_listing = image_listing;
    } else {
        view.image_copy = Absent{};
        view.image_listing = Absent{};
    }
    if (source_listing) view.source_listing = *source_listing;
    else view.source_listing = Absent{};
    if (source_id) view.source_id = *source_id;
    else view.source_id = Absent{};
    if (processes_unreadable) view.processes = Unknown{*processes_unreadable};
    else view.processes = processes;
    return view;
}

Observation<Route> ModelWorld::route(const std::string& address) const {
    if (address.rfind("127.", 0) == 0) return Route{"lo", true, false};
    for (const auto& [id, network] : networks) {
        if (network.is.ipam.empty()) continue;
        const auto& pool = network.is.ipam.front();
        if (!address.empty() && pool.rfind(address.substr(0, address.find_last_of('.') + 1), 0) == 0) return Route{"br-" + id.substr(0, 12), false, false};
    }
    return Absent{};
}

void ModelWorld::look_at_loopback(Snapshot& snapshot) const {
    auto sockets = listening;
    if (snapshot.docker.present()) {
        auto view = *snapshot.docker;
        view.published = published_by_others;
        for (const auto& container : view.containers) {
            for (const auto& text : container.is.published_ports) {
                const auto arrow = text.find(" -> ");
                const auto colon = text.rfind(':');
                const PublishedPort port{container.id, container.is.name, text.substr(arrow + 4, colon - arrow - 4), std::stoi(text.substr(colon + 1))};
                view.published.push_back(port);
                if (!container.live_ports.empty()) sockets.push_back({"tcp", port.address.empty() ? "0.0.0.0" : port.address, port.port});
            }
        }
        snapshot.docker = view;
    }
    if (listeners_unreadable) snapshot.listeners = Unknown{*listeners_unreadable};
    else snapshot.listeners = sockets;
}

Snapshot ModelWorld::observe(const Scope& scope) {
    bottle_ = scope.bottle;
    bundle_address_ = scope.bundle_address;
    Snapshot snapshot;
    snapshot.host = host;
    if (docker_down) snapshot.docker = Unknown{*docker_down};
    else snapshot.docker = docker_view(scope.image_refs);
    snapshot.machine = machine_view();
    if (firewall_unreadable) snapshot.firewall = Unknown{*firewall_unreadable};
    else if (firewall) snapshot.firewall = *firewall;
    else snapshot.firewall = Absent{};
    if (socket_unreadable) snapshot.socket_place = Unknown{*socket_unreadable};
    else if (socket_place && scope.socket_folder == socket_folder) snapshot.socket_place = *socket_place;
    else snapshot.socket_place = Absent{};
    snapshot.route = route(scope.bundle_address);
    snapshot.listeners = Absent{};
    if (scope.tsi_loopback) look_at_loopback(snapshot);
    // A workload's record is of one boot.
    if (workload && live && workload->vmm_pid == live->pid) snapshot.workload = *workload;
    else snapshot.workload = Absent{};
    snapshot.stored = stored;
    snapshot.secrets = secrets;
    snapshot.agent_files = agent_files;
    return snapshot;
}

}  // namespace bottle::model
