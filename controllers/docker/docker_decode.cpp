#include "controllers/docker/docker_decode.h"

#include "controllers/docker/json_reader.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

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
    "Mounts", "Tmpfs", "Devices", "DeviceRequests", "DeviceCgroupRules", "ExtraHosts", "Dns", "DnsOptions", "DnsSearch", "Links",
    "PidMode", "IpcMode", "UTSMode", "UsernsMode", "RestartPolicy", "Runtime", "LogConfig", "Memory", "MemorySwap", "NanoCpus", "PidsLimit"};

/// The kernel's own files that containers may not see or write (20.10); newer engines add to them, and nobody may take from them.
const std::set<std::string> kMasked = {"/proc/asound",      "/proc/acpi",        "/proc/kcore",       "/proc/keys", "/proc/latency_stats",
                                       "/proc/timer_list",  "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"};
const std::set<std::string> kReadOnly = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

bool holds_all(const json& list, const std::set<std::string>& paths) {
    return list.is_array() && std::all_of(paths.begin(), paths.end(), [&](const std::string& path) { return std::find(list.begin(), list.end(), path) != list.end(); });
}

/// Keys that Docker itself fills with something that is not zero (20.10 and 28), and the value that is its own or that we ask for.
bool is_docker_default(const std::string& key, const json& value) {
    if (key == "ShmSize") return value == 67108864;
    if (key == "CgroupnsMode") return value == "private";
    if (key == "ConsoleSize") return true;                                    // of the client's terminal
    if (key == "Isolation") return value == "default";
    if (key == "MemorySwappiness") return value == -1;
    if (key == "MaskedPaths") return holds_all(value, kMasked);
    if (key == "ReadonlyPaths") return holds_all(value, kReadOnly);
    return false;
}

bool is_zero(const json& value) {
    if (value.is_string()) return value.get_ref<const std::string&>().empty();
    return value.is_null() || value == false || value == 0 || ((value.is_array() || value.is_object()) && value.empty());
}

bool must_not_be_empty(const std::string& key) {
    return key == "MaskedPaths" || key == "ReadonlyPaths";
}

std::string compact(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

using Extras = std::map<std::string, std::string>;

void add_host_config(const JsonReader& host_config, Extras& extras) {
    for (const auto& [key, value] : host_config.raw().items()) {
        if (kModelled.count(key) > 0 || is_docker_default(key, value)) continue;
        if (is_zero(value) && !must_not_be_empty(key)) continue;
        extras["HostConfig." + key] = compact(value);
    }
    // A mount that is asked for has a type, a source and a target; what more there is (a driver with options of its own) the list of mounts does not show.
    const std::set<std::string> asked = {"Type", "Source", "Target"};
    for (const auto& mount : host_config.objects("Mounts")) {
        for (const auto& [key, value] : mount.raw().items()) {
            if (asked.count(key) == 0 && !is_zero(value)) extras["HostConfig.Mounts." + key] = compact(value);
        }
    }
}

/// Config keys that are read into members of Container, and those by which nothing more is reached: how a client is attached, how it is
/// stopped or built, a name for the image (the id is compared), an address of layer two (newer engines fill it in).
const std::set<std::string> kPassedOver = {"Hostname", "User", "Tty", "OpenStdin", "Env", "Cmd", "Entrypoint", "WorkingDir", "Labels", "AttachStdin", "AttachStdout",
                                           "AttachStderr", "StdinOnce", "StopSignal", "StopTimeout", "OnBuild", "ArgsEscaped", "Shell", "Image", "MacAddress"};
/// What a container has from its image when nothing is given at create (20.10).
const std::set<std::string> kInherited = {"ExposedPorts", "Healthcheck", "Volumes"};

void add_config(const JsonReader& config, Extras& extras) {
    for (const auto& [key, value] : config.raw().items()) {
        if (kPassedOver.count(key) == 0 && !is_zero(value)) extras["Config." + key] = compact(value);
    }
}

/// Names and addresses beside the one that is pinned.
void add_endpoints(const JsonReader& container, Extras& extras) {
    for (const auto& [name, endpoint] : container.object("NetworkSettings").object_map("Networks")) {
        const auto add = [&extras, network = name](const JsonReader& object, const char* key) {
            const auto found = object.raw().find(key);
            if (found != object.raw().end() && !is_zero(*found)) extras[fmt::format("Networks.{}.{}", network, key)] = compact(*found);
        };
        for (const auto* key : {"Links", "DriverOpts"}) add(endpoint, key);
        for (const auto* key : {"IPv6Address", "LinkLocalIPs"}) add(endpoint.object("IPAMConfig"), key);
    }
}

std::vector<std::string> capabilities(std::vector<std::string> names) {
    // Both spellings are accepted; newer engines add the prefix themselves.
    for (auto& name : names) {
        if (name.rfind("CAP_", 0) == 0) name = name.substr(4);
    }
    return sorted(std::move(names));
}

/// `key`: "PortBindings" as asked for; "Ports" as it is, where a port that is only exposed has no place.
std::vector<std::string> port_map(const JsonReader& of, const char* key) {
    std::vector<std::string> all;
    const auto bindings = of.object(key);
    for (const auto& port : of.keys(key)) {
        const auto places = bindings.objects(port.c_str());
        if (places.empty() && std::string_view(key) == "PortBindings") all.push_back(port);
        for (const auto& place : places) all.push_back(fmt::format("{} -> {}:{}", port, place.text("HostIp"), place.text("HostPort")));
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
        all.push_back({name, endpoint.text("NetworkID"), endpoint.object("IPAMConfig").text("IPv4Address"), endpoint.text("IPAddress")});
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
    c.published_ports = port_map(host, "PortBindings");
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
    add_host_config(host, c.extras);
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
    add_config(config, c.extras);
}

std::string without_slash(const std::string& name) {
    return name.rfind('/', 0) == 0 ? name.substr(1) : name;
}

}  // namespace

namespace {

/// Beside the pools; what is left unsaid is Docker's default.
Extras network_extras(const JsonReader& network) {
    Extras extras;
    const auto ipam = network.object("IPAM");
    const auto add = [&extras](const std::string& key, const json& value) {
        if (!is_zero(value)) extras[key] = compact(value);
    };
    if (const auto driver = ipam.text("Driver"); driver != "default") add("IPAM.Driver", driver);
    for (const auto& [key, value] : ipam.raw().items()) {
        if (key != "Driver" && key != "Config") add("IPAM." + key, value);
    }
    const std::set<std::string> known = {"Subnet", "Gateway", "IPRange"};
    for (const auto& pool : ipam.objects("Config")) {
        for (const auto& [key, value] : pool.raw().items()) {
            if (known.count(key) == 0) add("IPAM.Config." + key, value);
        }
    }
    if (network.flag("ConfigOnly")) add("ConfigOnly", true);
    add("ConfigFrom", network.object("ConfigFrom").text("Network"));
    return extras;
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
                      n.text("Scope"), {}, n.text_map("Options"), n.text_map("Labels"), network_extras(n)};
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
    add_endpoints(c, container.is.extras);
    const auto state = c.object("State");
    container.status = state.text("Status");
    container.started_at = state.text("StartedAt");
    container.exit_code = static_cast<int>(state.number("ExitCode"));
    container.error = state.text("Error");
    container.created_at = c.text("Created");
    container.live_ports = port_map(c.object("NetworkSettings"), "Ports");
    return container;
}

std::vector<PublishedPort> decode_published(const std::string& text) {
    const JsonReader c(parse_answer(text, "container"), "container");
    std::vector<PublishedPort> all;
    const auto host = c.object("HostConfig");
    const auto bindings = host.object("PortBindings");
    for (const auto& port : host.keys("PortBindings")) {
        for (const auto& place : bindings.objects(port.c_str())) {
            const auto number = place.text("HostPort");
            int value = 0;
            std::from_chars(number.data(), number.data() + number.size(), value);
            all.push_back({c.text("Id"), without_slash(c.text("Name")), place.text("HostIp"), value});
        }
    }
    return all;
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
    Extras inherited;
    for (const auto& key : kInherited) {
        const auto found = config.raw().find(key);
        if (found != config.raw().end() && !is_zero(*found)) inherited["Config." + key] = compact(*found);
    }
    return {i.text("Id"), config.texts("Entrypoint"), config.texts("Cmd"), config.texts("Env"), config.text("User"), config.text("WorkingDir"),
            config.text_map("Labels"), config.keys("Volumes"), std::move(inherited)};
}

std::vector<Volume> decode_volumes(const std::string& text) {
    std::vector<Volume> volumes;
    for (const auto& v : JsonReader(parse_answer(text, "volumes"), "volumes").objects("Volumes")) {
        volumes.push_back({v.text("Name"), v.text("Driver"), v.text_map("Labels"), v.text_map("Options")});
    }
    return volumes;
}

EngineInfo decode_info(const std::string& text) {
    const JsonReader info(parse_answer(text, "info"), "info");
    EngineInfo facts;
    for (const auto& option : info.texts("SecurityOptions")) facts.rootless = facts.rootless || option.find("rootless") != std::string::npos;
    facts.desktop = info.text("OperatingSystem").find("Docker Desktop") != std::string::npos;
    facts.host = {info.text("ServerVersion"), info.text("Driver"), info.text("CgroupDriver"), info.text("CgroupVersion"), info.flag("BridgeNfIptables")};
    return facts;
}

}  // namespace bottle
