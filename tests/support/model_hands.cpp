#include "tests/support/model_world.h"

#include <fmt/format.h>

#include <algorithm>

// What runs, and what somebody does by hand.
namespace bottle::model {

using nlohmann::ordered_json;

void ModelWorld::start_machine(bool by_us) {
    auto data = ordered_json::parse(row->data, nullptr, false);
    // smolvm reads a row whole or not at all (1.32.2).
    const auto& list = data.is_object() ? data["allowed_cidrs"] : data;
    if (!data.is_object() || !row->is_blob || !(list.is_null() || list.is_array())) return;
    LiveMachine machine;
    machine.pid = 1000 + ++ids_;
    machine.start_time = static_cast<std::uint64_t>(++clock_);
    // Only as root does smolvm choose a uid; else the VMM has its user's (1.32.2).
    machine.uid = host.euid != 0 ? host.euid : uid_claim.value_or(2'000'000);
    machine.by_us = by_us;
    const auto binaries = model_binaries();
    machine.executable = binaries[0];
    machine.libraries = {binaries[1], binaries[2]};
    machine.environment = {{"PATH", "/usr/bin:/bin"}, {"LD_LIBRARY_PATH", "/opt/smolvm:/proc/self:/proc/self/lib"}, {"SMOLVM_LIB_DIR", "/opt/smolvm"}};
    // A row of 0.8.0 to 1.1.2 has no such key.
    const bool tsi = !data.contains("published_sockets");
    for (const auto& socket : tsi ? ordered_json::array() : data["published_sockets"]) {
        if (socket.is_object() && socket.value("direction", "") == "mount") machine.sockets.push_back(socket["host_path"]);
        else machine.sockets.push_back(socket.dump());
    }
    ordered_json cidrs = data.contains("allowed_cidrs") ? data["allowed_cidrs"] : ordered_json();
    const bool online = data["network"] == true;
    // Of a machine without a network another (1.32.2).
    machine.channels = {"control.sock", online ? "egress.sock" : "port-forward.sock", "ports.sock"};
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
    if (tsi) {
        machine.channels.clear();
        machine.names_open = false;
        auto older = config;
        older.erase("forkable");
        for (const auto* key : {"cuda", "nested_virt", "rosetta", "block_io", "disk_durability", "dns", "dns_options", "shm_size"}) older["resources"].erase(key);
        machine.running_config = older.dump();
    }
    data["state"] = "running";
    data["pid"] = machine.pid;
    data["pid_start_time"] = machine.start_time;
    data["init_completed"] = true;
    row->data = data.dump();
    vm_folder = true;
    live = machine;
    if (by_us) stored.start = StartRecord{host.boot_id, machine.pid, machine.start_time, *machine_view().row_digest, model_binaries(), desired_->firewall.has_value()};
}

std::vector<Evidence> ModelWorld::probe() const {
    std::vector<Evidence> evidence;
    const auto leaked = leak();
    evidence.push_back({EvidenceKind::Guest, leaked.empty() ? Verdict::Holds : Verdict::Fails, leaked.empty() ? "every control was denied" : leaked, ""});
    // The VMM connects to the path anew each time: whoever else listens there knows no bundle.
    if (!live->sockets.empty() && socket_there() != served_socket) evidence.push_back({EvidenceKind::Guest, Verdict::Fails, "the guest does not reach its proxy", ""});
    return evidence;
}

std::string ModelWorld::leak() const {
    if (!live) return {};
    if (!live->reach) return "every address";
    if (live->names_open) return "names";
    for (const auto& socket : live->sockets) {
        if (socket != socket_folder + "/proxy.sock") return socket;
    }
    for (const auto& cidr : *live->reach) {
        if (cidr != bundle_address_ + "/32") return cidr;
    }
    return {};
}
void ModelWorld::add_image(const std::string& ref, Image image) {
    images[ref] = std::move(image);
}
void ModelWorld::start_by_hand() {
    if (row && !live) start_machine(false);
}
void ModelWorld::kill_vmm() {
    // A first boot that dies before it wrote back takes the disks along (1.32.2).
    if (live && new_disks) disks_lost = true;
    live.reset();
    if (!row) return;
    auto data = ordered_json::parse(row->data, nullptr, false);
    if (!data.is_object()) return;
    data["state"] = "stopped";
    data["pid"] = nullptr;
    data["pid_start_time"] = nullptr;
    row->data = data.dump();
}
/// With a command it is the relay: it makes its socket anew at each start.
void ModelWorld::run_infra(const Container& infra) {
    if (infra.command.size() != 2 || infra.entrypoint != std::vector<std::string>{"/pause"} || !socket_place) return;
    const auto user = infra.user.find(':');
    socket_place->entries = {{"proxy.sock", true, std::stoll(infra.user.substr(0, user)), std::stoll(infra.user.substr(user + 1)), 0660, 22,
                              static_cast<std::uint64_t>(++ids_)}};
    served_socket = socket_there();
}
std::string ModelWorld::socket_there() const {
    if (!socket_place || socket_place->entries.empty()) return {};
    const auto& socket = socket_place->entries.front();
    return fmt::format("{}:{}:{}", socket.device, socket.inode, socket.ctime_ns);
}
void ModelWorld::restart_container(const std::string& name) {
    if (auto* container = container_named(name)) {
        container->status = "running";
        container->started_at = now();
        run_infra(container->is);
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
    if (c != nullptr && n != nullptr) c->is.networks.push_back({n->is.name, n->id, "", ""});
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
    if (live && new_disks) disks_lost = true;
    // The row still says running, with a pid of the boot before (1.32.2).
    live.reset();
    workload.reset();
    host.boot_id += "+";
    firewall.reset();
    if (host.euid == 0) socket_place.reset();  // /run
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
