#include "controllers/docker/docker_decode.h"

#include "controllers/docker/json_reader.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

using nlohmann::json;

std::vector<std::string> sorted(std::vector<std::string> values) {
    std::sort(values.begin(), values.end());
    return values;
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

/// HostConfig keys that are read into members of Container.
const std::set<std::string> kModelled = {
    "NetworkMode", "Privileged", "ReadonlyRootfs", "PublishAllPorts", "AutoRemove", "Init", "CapAdd", "CapDrop", "SecurityOpt", "PortBindings",
    "Binds", "Mounts", "Tmpfs", "Devices", "DeviceRequests", "DeviceCgroupRules", "ExtraHosts", "Dns", "DnsOptions", "DnsSearch", "Links",
    "PidMode", "IpcMode", "UTSMode", "UsernsMode", "RestartPolicy", "Runtime", "LogConfig", "Memory", "MemorySwap", "NanoCpus", "PidsLimit"};

/// Keys that Docker itself fills with something that is not zero (20.10 and 28), and the value that is its own.
bool is_docker_default(const std::string& key, const json& value) {
    if (key == "ShmSize") return value == 67108864;
    if (key == "CgroupnsMode") return value == "host" || value == "private";  // by cgroup version
    if (key == "ConsoleSize") return true;                                    // of the client's terminal
    if (key == "Isolation") return value == "default";
    if (key == "MemorySwappiness") return value == -1;
    // The kernel's own files that containers may not see: an empty list takes the protection away.
    if (key == "MaskedPaths" || key == "ReadonlyPaths") return value.is_array() && !value.empty();
    return false;
}

bool is_zero(const json& value) {
    if (value.is_string()) return value.get_ref<const std::string&>().empty();
    return value.is_null() || value == false || value == 0 || ((value.is_array() || value.is_object()) && value.empty());
}

bool must_not_be_empty(const std::string& key) {
    return key == "MaskedPaths" || key == "ReadonlyPaths";
}

std::map<std::string, std::string> extras_of(const JsonReader& host_config) {
    std::map<std::string, std::string> extras;
    for (const auto& [key, value] : host_config.raw().items()) {
        if (kModelled.count(key) > 0 || is_docker_default(key, value)) continue;
        if (is_zero(value) && !must_not_be_empty(key)) continue;
        extras["HostConfig." + key] = value.dump(-1, ' ', false, json::error_handler_t::replace);
    }
    return extras;
}

std::vector<std::string> capabilities(std::vector<std::string> names) {
    // Both spellings are accepted; newer engines add the prefix themselves.
    for (auto& name : names) {
        if (name.rfind("CAP_", 0) == 0) name = name.substr(4);
    }
    return sorted(std::move(names));
}

std::vector<std::string> published_ports(const JsonReader& host_config) {
    std::vector<std::string> all;
    const auto bindings = host_config.object("PortBindings");
    for (const auto& port : host_config.keys("PortBindings")) {
        for (const auto& binding : bindings.objects(port.c_str())) {
            all.push_back(fmt::format("{} -> {}:{}", port, binding.text("HostIp"), binding.text("HostPort")));
        }
    }
    return sorted(std::move(all));
}

std::vector<std::string> mounts(const JsonReader& container) {
    std::vector<std::string> all;
    for (const auto& mount : container.objects("Mounts")) {
        const auto type = mount.text("Type");
        const auto source = type == "volume" ? mount.text("Name") : mount.text("Source");
        all.push_back(fmt::format("{} {}:{}{}", type, source, mount.text("Destination"), mount.flag("RW") ? "" : ":ro"));
    }
    return sorted(std::move(all));
}

std::vector<std::string> tmpfs(const JsonReader& host_config) {
    std::vector<std::string> all;
    for (const auto& [path, options] : host_config.text_map("Tmpfs")) all.push_back(path + " " + options);
    return all;
}

std::vector<std::string> devices(const JsonReader& host_config) {
    std::vector<std::string> all;
    for (const auto& device : host_config.objects("Devices")) all.push_back(device.text("PathOnHost") + ":" + device.text("PathInContainer"));
    for (const auto& request : host_config.objects("DeviceRequests")) all.push_back("request " + request.text("Driver"));
    for (const auto& rule : host_config.texts("DeviceCgroupRules")) all.push_back("rule " + rule);
    return sorted(std::move(all));
}

std::vector<std::string> name_servers(const JsonReader& host_config) {
    auto all = host_config.texts("Dns");
    for (const auto& option : host_config.texts("DnsOptions")) all.push_back("option " + option);
    for (const auto& domain : host_config.texts("DnsSearch")) all.push_back("search " + domain);
    return all;
}

std::string restart_policy(const JsonReader& host_config) {
    const auto policy = host_config.object("RestartPolicy").text("Name");
    return policy.empty() ? "no" : policy;
}

std::string log_driver(const JsonReader& host_config) {
    const auto config = host_config.object("LogConfig");
    std::string options;
    for (const auto& [key, value] : config.text_map("Config")) options += (options.empty() ? " " : ",") + key + "=" + value;
    return config.text("Type") + options;
}

std::vector<Attachment> attachments(const JsonReader& container) {
    std::vector<Attachment> all;
    for (const auto& [name, endpoint] : container.object("NetworkSettings").object_map("Networks")) {
        all.push_back({name, endpoint.text("NetworkID"), endpoint.object("IPAMConfig").text("IPv4Address")});
    }
    return all;
}

void read_host_config(const JsonReader& host, Container& c) {
    c.network_mode = host.text("NetworkMode");
    c.privileged = host.flag("Privileged");
    c.read_only_rootfs = host.flag("ReadonlyRootfs");
    c.publish_all_ports = host.flag("PublishAllPorts");
    c.auto_remove = host.flag("AutoRemove");
    c.init = host.flag("Init");
    c.cap_add = capabilities(host.texts("CapAdd"));
    c.cap_drop = capabilities(host.texts("CapDrop"));
    c.security_opt = sorted(host.texts("SecurityOpt"));
    c.published_ports = published_ports(host);
    c.tmpfs = tmpfs(host);
    c.devices = devices(host);
    c.extra_hosts = host.texts("ExtraHosts");
    c.dns = name_servers(host);
    c.links = host.texts("Links");
    c.pid_mode = host.text("PidMode");
    c.ipc_mode = host.text("IpcMode");
    c.uts_mode = host.text("UTSMode");
    c.userns_mode = host.text("UsernsMode");
    c.restart_policy = restart_policy(host);
    c.runtime = host.text("Runtime");
    c.log_driver = log_driver(host);
    c.memory = host.number("Memory");
    c.memory_swap = host.number("MemorySwap");
    c.nano_cpus = host.number("NanoCpus");
    c.pids_limit = host.number("PidsLimit");
    c.extras = extras_of(host);
}

void read_config(const JsonReader& config, const std::string& id, Container& c) {
    c.entrypoint = config.texts("Entrypoint");
    c.command = config.texts("Cmd");
    c.env = sorted(config.texts("Env"));
    c.user = config.text("User");
    c.working_dir = config.text("WorkingDir");
    c.labels = config.text_map("Labels");
    c.tty = config.flag("Tty");
    c.open_stdin = config.flag("OpenStdin");
    // Docker's default is the short id; a container that joins another's namespace is given that one's at its start.
    const auto hostname = config.text("Hostname");
    const bool joined = c.network_mode.rfind("container:", 0) == 0;
    if (!joined && hostname != id.substr(0, 12)) c.hostname = hostname;
}

std::string without_slash(const std::string& name) {
    return name.rfind('/', 0) == 0 ? name.substr(1) : name;
}

}  // namespace

std::vector<ObservedNetwork> decode_networks(const std::string& text) {
    const auto list = parse_answer(text, "networks");
    if (!list.is_array()) throw Error(Exit::Failed, "Docker's list of networks is no list");
    std::vector<ObservedNetwork> networks;
    for (const auto& entry : list) {
        const JsonReader n(entry, "network");
        ObservedNetwork network;
        network.id = n.text("Id");
        network.is = {n.text("Name"), n.text("Driver"), n.flag("Internal"), n.flag("EnableIPv6"), n.flag("Attachable"), n.flag("Ingress"),
                      n.text("Scope"), {}, n.text_map("Options"), n.text_map("Labels")};
        for (const auto& pool : n.object("IPAM").objects("Config")) {
            network.is.ipam.push_back(fmt::format("{} {} {}", or_dash(pool.text("Subnet")), or_dash(pool.text("Gateway")), or_dash(pool.text("IPRange"))));
        }
        if (network.id.empty()) throw Error(Exit::Failed, "Docker lists a network without an id");
        networks.push_back(std::move(network));
    }
    return networks;
}

std::vector<ContainerSummary> decode_container_list(const std::string& text) {
    const auto list = parse_answer(text, "containers");
    if (!list.is_array()) throw Error(Exit::Failed, "Docker's list of containers is no list");
    std::vector<ContainerSummary> containers;
    for (const auto& entry : list) {
        const JsonReader c(entry, "container");
        const auto names = c.texts("Names");
        containers.push_back({c.text("Id"), names.empty() ? "" : without_slash(names.front()), c.text_map("Labels"), c.object("NetworkSettings").keys("Networks")});
        if (containers.back().id.empty()) throw Error(Exit::Failed, "Docker lists a container without an id");
    }
    return containers;
}

ObservedContainer decode_container(const std::string& text) {
    const JsonReader c(parse_answer(text, "container"), "container");
    ObservedContainer container;
    container.id = c.text("Id");
    if (container.id.empty()) throw Error(Exit::Failed, "Docker shows a container without an id");
    container.is.name = without_slash(c.text("Name"));
    container.is.image_id = c.text("Image");
    read_host_config(c.object("HostConfig"), container.is);
    read_config(c.object("Config"), container.id, container.is);
    container.is.mounts = mounts(c);
    container.is.networks = attachments(c);
    const auto state = c.object("State");
    container.status = state.text("Status");
    container.started_at = state.text("StartedAt");
    container.exit_code = static_cast<int>(state.number("ExitCode"));
    container.error = state.text("Error");
    container.created_at = c.text("Created");
    return container;
}

std::vector<Endpoint> decode_endpoints(const std::string& text) {
    const JsonReader network(parse_answer(text, "network"), "network");
    std::vector<Endpoint> endpoints;
    for (const auto& [id, endpoint] : network.object_map("Containers")) {
        const auto address = endpoint.text("IPv4Address");
        endpoints.push_back({id, endpoint.text("Name"), address.substr(0, address.find('/'))});
    }
    return endpoints;
}

Image decode_image(const std::string& text) {
    const JsonReader i(parse_answer(text, "image"), "image");
    const auto config = i.object("Config");
    return {i.text("Id"), config.texts("Entrypoint"), config.texts("Cmd"), config.texts("Env"), config.text("User"), config.text("WorkingDir"),
            config.text_map("Labels"), config.keys("Volumes")};
}

std::vector<Volume> decode_volumes(const std::string& text) {
    std::vector<Volume> volumes;
    for (const auto& v : JsonReader(parse_answer(text, "volumes"), "volumes").objects("Volumes")) {
        volumes.push_back({v.text("Name"), v.text("Driver"), v.text_map("Labels")});
    }
    return volumes;
}

EngineInfo decode_info(const std::string& text) {
    const JsonReader info(parse_answer(text, "info"), "info");
    EngineInfo facts;
    for (const auto& option : info.texts("SecurityOptions")) facts.rootless = facts.rootless || option.find("rootless") != std::string::npos;
    facts.desktop = info.text("OperatingSystem").find("Docker Desktop") != std::string::npos;
    return facts;
}

}  // namespace bottle
