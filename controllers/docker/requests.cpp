#include "controllers/docker/requests.h"

#include <nlohmann/json.hpp>

#include <sstream>

namespace bottle {
namespace {

using nlohmann::json;

json ipam_config(const std::string& pool) {
    std::istringstream words(pool);
    std::string subnet;
    std::string gateway;
    std::string range;
    words >> subnet >> gateway >> range;
    return {{"Subnet", subnet}, {"Gateway", gateway}, {"IPRange", range}};
}

/// "volume bottle-docs-cache:/var/cache", "bind /run/bottle/2900000:/run/bottle".
json mount(const std::string& text) {
    const auto space = text.find(' ');
    const auto colon = text.find(':', space);
    return {{"Type", text.substr(0, space)}, {"Source", text.substr(space + 1, colon - space - 1)}, {"Target", text.substr(colon + 1)}};
}

json tmpfs(const std::vector<std::string>& entries) {
    json all = json::object();
    for (const auto& entry : entries) all[entry.substr(0, entry.find(' '))] = entry.substr(entry.find(' ') + 1);
    return all;
}

/// "json-file max-file=2,max-size=8m"
json log_config(const std::string& text) {
    const auto space = text.find(' ');
    json options = json::object();
    std::istringstream list(space == std::string::npos ? std::string() : text.substr(space + 1));
    for (std::string option; std::getline(list, option, ',');) options[option.substr(0, option.find('='))] = option.substr(option.find('=') + 1);
    return {{"Type", text.substr(0, space)}, {"Config", options}};
}

json host_config(const Container& c) {
    json mounts = json::array();
    for (const auto& entry : c.mounts) mounts.push_back(mount(entry));
    return {{"ReadonlyRootfs", c.read_only_rootfs}, {"CapAdd", c.cap_add}, {"CapDrop", c.cap_drop}, {"SecurityOpt", c.security_opt},
            {"IpcMode", c.ipc_mode}, {"RestartPolicy", {{"Name", c.restart_policy}}}, {"Runtime", c.runtime}, {"LogConfig", log_config(c.log_driver)},
            {"Memory", c.memory}, {"MemorySwap", c.memory_swap}, {"NanoCpus", c.nano_cpus}, {"PidsLimit", c.pids_limit}, {"Mounts", mounts},
            {"Tmpfs", tmpfs(c.tmpfs)}, {"CgroupnsMode", "private"}, {"ShmSize", 67108864}};
}

/// "9099/tcp -> 127.0.0.16:9099"
json port_bindings(const std::vector<std::string>& ports) {
    json all = json::object();
    for (const auto& text : ports) {
        const auto arrow = text.find(" -> ");
        const auto colon = text.rfind(':');
        all[text.substr(0, arrow)].push_back({{"HostIp", text.substr(arrow + 4, colon - arrow - 4)}, {"HostPort", text.substr(colon + 1)}});
    }
    return all;
}

}  // namespace

std::string network_body(const Network& n) {
    json pools = json::array();
    for (const auto& pool : n.ipam) pools.push_back(ipam_config(pool));
    const json body = {{"Name", n.name}, {"CheckDuplicate", true}, {"Driver", n.driver}, {"Internal", n.internal}, {"EnableIPv6", n.ipv6},
                       {"IPAM", {{"Driver", "default"}, {"Config", pools}}}, {"Labels", n.labels}};
    return body.dump();
}

std::string volume_body(const Volume& v) {
    return json({{"Name", v.name}, {"Driver", v.driver}, {"Labels", v.labels}}).dump();
}

std::string container_body(const Container& c, const std::string& network_id, const std::string& joined_id) {
    json body = {{"Image", c.image_id}, {"Entrypoint", c.entrypoint}, {"Cmd", c.command}, {"Env", c.env}, {"User", c.user},
                 {"WorkingDir", c.working_dir}, {"Labels", c.labels}, {"HostConfig", host_config(c)}};
    if (!joined_id.empty()) {
        body["HostConfig"]["NetworkMode"] = "container:" + joined_id;
        return body.dump();
    }
    body["HostConfig"]["NetworkMode"] = network_id;
    if (!c.published_ports.empty()) {
        body["HostConfig"]["PortBindings"] = port_bindings(c.published_ports);
        // Docker publishes only what is exposed, too (20.10).
        for (const auto& [port, places] : body["HostConfig"]["PortBindings"].items()) body["ExposedPorts"][port] = json::object();
    }
    // One network at create, the others by connect: two are refused (400, 20.10).
    json endpoint = json::object();
    if (!c.networks.empty() && !c.networks.front().ipv4.empty()) endpoint["IPAMConfig"] = {{"IPv4Address", c.networks.front().ipv4}};
    body["NetworkingConfig"] = {{"EndpointsConfig", {{network_id, endpoint}}}};
    return body.dump();
}

std::string connect_body(const std::string& container_id, const std::string& ipv4) {
    json endpoint = json::object();
    if (!ipv4.empty()) endpoint["IPAMConfig"] = {{"IPv4Address", ipv4}};
    return json({{"Container", container_id}, {"EndpointConfig", endpoint}}).dump();
}

}  // namespace bottle
