#include "controllers/docker/docker_decode.h"
#include "reconciler/diff.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace bottle;
using nlohmann::json;

// What Docker shows of a container, a network or a volume, one key at a time made different: whatever it is, the decoded values must differ, and
// the difference must count as wider reach.

namespace {

const char* const kName = "bottle-docs-writer-egress";

/// A bundle container as Docker 20.10 shows one that bottle made.
json good_container() {
    return json::parse(R"({
        "Id": "c1c1c1c1c1c1aaaa", "Created": "2026-01-01T00:00:00.5Z", "Name": "/bottle-docs-writer-egress", "Image": "sha256:62985db63049",
        "State": {"Status": "running", "StartedAt": "2026-01-01T00:00:01.5Z", "ExitCode": 0, "Error": ""},
        "HostConfig": {
            "Binds": null, "ContainerIDFile": "", "LogConfig": {"Type": "json-file", "Config": {"max-file": "2", "max-size": "8m"}},
            "NetworkMode": "container:abc", "PortBindings": null, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": false,
            "VolumeDriver": "", "VolumesFrom": null, "CapAdd": ["NET_BIND_SERVICE"], "CapDrop": ["ALL"], "CgroupnsMode": "private", "Dns": null,
            "DnsOptions": null, "DnsSearch": null, "ExtraHosts": null, "GroupAdd": null, "IpcMode": "private", "Cgroup": "", "Links": null,
            "OomScoreAdj": 0, "PidMode": "", "Privileged": false, "PublishAllPorts": false, "ReadonlyRootfs": true,
            "SecurityOpt": ["no-new-privileges"], "Tmpfs": {"/run": "rw", "/tmp": "rw"}, "UTSMode": "", "UsernsMode": "", "ShmSize": 67108864,
            "Runtime": "runc", "ConsoleSize": [0, 0], "Isolation": "", "CpuShares": 0, "Memory": 536870912, "NanoCpus": 1000000000, "CgroupParent": "",
            "BlkioWeight": 0, "BlkioWeightDevice": null, "CpuPeriod": 0, "CpuQuota": 0, "CpusetCpus": "", "Devices": null, "DeviceCgroupRules": null,
            "DeviceRequests": null, "KernelMemory": 0, "MemoryReservation": 0, "MemorySwap": 536870912, "MemorySwappiness": null,
            "OomKillDisable": false, "PidsLimit": 256, "Ulimits": null, "CpuCount": 0, "IOMaximumIOps": 0,
            "Mounts": [{"Type": "volume", "Source": "bottle-docs-writer-cache", "Target": "/var/cache"}],
            "MaskedPaths": ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                            "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
            "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]},
        "Mounts": [{"Type": "volume", "Name": "bottle-docs-writer-cache", "Source": "/var/lib/docker/volumes/x", "Destination": "/var/cache", "Driver": "local",
                    "Mode": "z", "RW": true, "Propagation": ""}],
        "Config": {"Hostname": "c1c1c1c1c1c1", "Domainname": "", "User": "1000", "AttachStdin": false, "AttachStdout": false, "AttachStderr": false,
                   "ExposedPorts": {"3128/tcp": {}}, "Tty": false, "OpenStdin": false, "StdinOnce": false, "Env": ["PATH=/bin"], "Cmd": ["-N"],
                   "Healthcheck": {"Test": ["CMD", "/check"]}, "Image": "sha256:62985db63049", "Volumes": null, "WorkingDir": "", "Entrypoint": ["/squid"],
                   "OnBuild": null, "Labels": {}},
        "NetworkSettings": {"Networks": {}}})");
}

json good_network() {
    return json::parse(R"([{
        "Name": "bottle-docs-writer", "Id": "a1a1a1a1a1a1aaaa", "Created": "2026-01-01T00:00:00Z", "Scope": "local", "Driver": "bridge", "EnableIPv6": false,
        "IPAM": {"Driver": "default", "Options": null, "Config": [{"Subnet": "10.231.0.0/29", "IPRange": "10.231.0.4/30", "Gateway": "10.231.0.1"}]},
        "Internal": true, "Attachable": false, "Ingress": false, "ConfigFrom": {"Network": ""}, "ConfigOnly": false, "Containers": {}, "Options": {}, "Labels": {}}])");
}

struct Setting {
    const char* key;
    const char* value;
};

/// Docker's engine API 1.41, and what later ones added; every key by which a container gets at more, or is confined less.
const Setting kHostConfig[] = {
    {"Binds", R"(["/etc:/host-etc"])"},
    {"VolumesFrom", R"(["other"])"},
    {"VolumeDriver", R"("other")"},
    {"NetworkMode", R"("host")"},
    {"PortBindings", R"({"80/tcp": [{"HostIp": "", "HostPort": "8080"}]})"},
    {"PortBindings", R"({"80/tcp": [{}]})"},
    {"PortBindings", R"({"80/tcp": null})"},
    {"PublishAllPorts", "true"},
    {"CapAdd", R"(["NET_BIND_SERVICE", "SYS_ADMIN"])"},
    {"CapAdd", R"(["ALL"])"},
    {"CapDrop", "null"},
    {"CapDrop", R"(["NET_RAW"])"},
    {"CgroupnsMode", R"("host")"},
    {"CgroupParent", R"("/")"},
    {"Cgroup", R"("container:other")"},
    {"Dns", R"(["1.1.1.1"])"},
    {"DnsOptions", R"(["ndots:9"])"},
    {"DnsSearch", R"(["evil.example"])"},
    {"ExtraHosts", R"(["api:203.0.113.9"])"},
    {"Links", R"(["/db:/x/db"])"},
    {"GroupAdd", R"(["docker"])"},
    {"IpcMode", R"("host")"},
    {"IpcMode", R"("shareable")"},
    {"IpcMode", R"("container:x")"},
    {"PidMode", R"("host")"},
    {"PidMode", R"("container:x")"},
    {"UTSMode", R"("host")"},
    {"UsernsMode", R"("host")"},
    {"OomScoreAdj", "-900"},
    {"OomKillDisable", "true"},
    {"Privileged", "true"},
    {"ReadonlyRootfs", "false"},
    {"SecurityOpt", "null"},
    {"SecurityOpt", R"(["no-new-privileges", "seccomp=unconfined"])"},
    {"SecurityOpt", R"(["no-new-privileges", "apparmor=unconfined"])"},
    {"SecurityOpt", R"(["no-new-privileges", "label=disable"])"},
    {"StorageOpt", R"({"size": "120G"})"},
    {"Sysctls", R"({"net.ipv4.ip_forward": "1"})"},
    {"ShmSize", "1"},
    {"Runtime", R"("kata")"},
    {"Isolation", R"("process")"},
    {"Devices", R"([{"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm", "CgroupPermissions": "rwm"}])"},
    {"DeviceCgroupRules", R"(["c 13:* rwm"])"},
    {"DeviceRequests", R"([{"Driver": "nvidia", "Count": -1}])"},
    {"DeviceRequests", R"([{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}])"},
    {"Ulimits", R"([{"Name": "nofile", "Hard": 1, "Soft": 1}])"},
    {"CpuShares", "2"},
    {"CpuPeriod", "2"},
    {"CpuQuota", "2"},
    {"CpuRealtimeRuntime", "2"},
    {"CpusetCpus", R"("0")"},
    {"CpusetMems", R"("0")"},
    {"BlkioWeight", "10"},
    {"BlkioWeightDevice", R"([{"Path": "/dev/sda", "Weight": 10}])"},
    {"BlkioDeviceReadBps", R"([{"Path": "/dev/sda", "Rate": 10}])"},
    {"MemoryReservation", "10"},
    {"MemorySwappiness", "60"},
    {"KernelMemory", "10"},
    {"IOMaximumIOps", "10"},
    {"MaskedPaths", "[]"},
    {"MaskedPaths", "null"},
    {"MaskedPaths", R"(["/nothing"])"},
    {"MaskedPaths", R"("/proc/kcore")"},
    {"ReadonlyPaths", "[]"},
    {"ReadonlyPaths", "null"},
    {"ReadonlyPaths", R"(["/proc/bus"])"},
    {"Mounts", R"([{"Type": "volume", "Source": "bottle-docs-writer-cache", "Target": "/var/cache",
                    "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"device": "/etc"}}}}])"},
    {"Mounts", R"([{"Type": "bind", "Source": "/etc", "Target": "/var/cache", "BindOptions": {"Propagation": "shared"}}])"},
    {"Annotations", R"({"a": "b"})"},
    {"NeverSeenBefore", "1"},
    {"NeverSeenBefore", R"({"a": {}})"},
};

/// By these only the container's own working is different: seen, and no reason to stop a machine.
const Setting kHarmless[] = {
    {"Memory", "1073741824"},
    {"MemorySwap", "1073741824"},
    {"NanoCpus", "2"},
    {"PidsLimit", "0"},
    {"PidsLimit", "null"},
    {"Init", "true"},
    {"AutoRemove", "true"},
    {"RestartPolicy", R"({"Name": "always", "MaximumRetryCount": 0})"},
    {"LogConfig", R"({"Type": "syslog", "Config": {}})"},
    {"Tmpfs", R"({"/run": "rw,exec"})"},
};

const Setting kConfig[] = {
    {"User", R"("0")"},
    {"Env", R"(["PATH=/bin", "LD_PRELOAD=/x"])"},
    {"Cmd", R"(["-X"])"},
    {"Entrypoint", R"(["/bin/sh"])"},
    {"Healthcheck", R"({"Test": ["CMD-SHELL", "nc evil 80"]})"},
    {"Healthcheck", "null"},
    {"ExposedPorts", R"({"3128/tcp": {}, "22/tcp": {}})"},
    {"Volumes", R"({"/data": {}})"},
    {"Domainname", R"("evil.example")"},
    {"NetworkDisabled", "true"},
    {"NeverSeenBefore", R"("x")"},
};

/// A way with an option that some engines fill in by themselves: not a difference.
const Setting kDockersOwn[] = {
    {"ConsoleSize", "[24, 80]"},
    {"MemorySwappiness", "-1"},
    {"MemorySwappiness", "0"},
    {"Isolation", R"("default")"},
    {"Binds", "[]"},
    {"Sysctls", "{}"},
    {"Init", "null"},
    {"OomKillDisable", "null"},
    {"NeverSeenBefore", "0"},
};

std::vector<Change> differences(const json& changed) {
    const auto want = decode_container(good_container().dump());
    return diff_container(want.is, decode_container(changed.dump()).is, want.id);
}

json changed_host_config(const Setting& setting) {
    auto container = good_container();
    container["HostConfig"][setting.key] = json::parse(setting.value);
    return container;
}

bool widens(const std::vector<Change>& changes) {
    return std::any_of(changes.begin(), changes.end(), [](const Change& change) { return change.reach == Reach::Wider && change.cause.find(": ") != std::string::npos; });
}

}  // namespace

TEST_CASE("docker: a container as bottle makes it holds nothing that is not modelled, but what it has from its image") {
    const auto container = decode_container(good_container().dump());
    CHECK(container.is.name == kName);
    CHECK(container.is.extras == std::map<std::string, std::string>{{"Config.ExposedPorts", R"({"3128/tcp":{}})"}, {"Config.Healthcheck", R"({"Test":["CMD","/check"]})"}});
    CHECK(differences(good_container()).empty());
}

TEST_CASE("docker: every key of HostConfig that gives more, or takes a protection away, is a difference with its consequence") {
    for (const auto& setting : kHostConfig) {
        INFO(setting.key << " " << setting.value);
        CHECK(widens(differences(changed_host_config(setting))));
    }
    for (const auto& setting : kHarmless) {
        INFO(setting.key << " " << setting.value);
        const auto changes = differences(changed_host_config(setting));
        CHECK_FALSE(changes.empty());
        CHECK_FALSE(widens(changes));
    }
    for (const auto& setting : kDockersOwn) {
        INFO(setting.key << " " << setting.value);
        CHECK(differences(changed_host_config(setting)).empty());
    }
}

TEST_CASE("docker: a key of HostConfig that is gone takes nothing by the way") {
    const json good = good_container()["HostConfig"];
    for (const auto& [key, value] : good.items()) {
        INFO(key);
        auto container = good_container();
        container["HostConfig"].erase(key);
        const bool empty = value.is_string() && value.get_ref<const std::string&>().empty();
        const bool zero = value.is_null() || value == false || value == 0 || empty || value == json::object({{"Name", "no"}, {"MaximumRetryCount", 0}});
        // What Docker itself fills in is no wish of anybody's: without it there is nothing to compare.
        const bool filled = key == "ShmSize" || key == "CgroupnsMode" || key == "ConsoleSize" || key == "MaskedPaths" || key == "ReadonlyPaths" || key == "Mounts";
        CHECK(differences(container).empty() == (zero || filled));
    }
}

TEST_CASE("docker: every key of Config that runs or offers something else is a difference") {
    for (const auto& setting : kConfig) {
        INFO(setting.key << " " << setting.value);
        auto container = good_container();
        container["Config"][setting.key] = json::parse(setting.value);
        CHECK(widens(differences(container)));
    }
    for (const auto* key : {"AttachStdout", "StdinOnce"}) {
        auto container = good_container();
        container["Config"][key] = true;
        CHECK(differences(container).empty());
    }
}

TEST_CASE("docker: real mounts count, whatever was asked for") {
    auto container = good_container();
    container["Mounts"].push_back({{"Type", "bind"}, {"Source", "/etc"}, {"Destination", "/host-etc"}, {"RW", true}});
    CHECK(widens(differences(container)));
}

TEST_CASE("docker: names and addresses beside the pinned one are a difference") {
    const auto with = [](const char* endpoint) {
        auto container = good_container();
        container["NetworkSettings"]["Networks"] = {{"bottle-docs-writer", json::parse(endpoint)}};
        return decode_container(container.dump());
    };
    const auto want = with(R"({"NetworkID": "a1", "IPAddress": "10.231.0.2", "IPAMConfig": {"IPv4Address": "10.231.0.2"}, "Links": null, "DriverOpts": null, "Aliases": ["c1"]})");
    CHECK(want.is.networks == std::vector<Attachment>{{"bottle-docs-writer", "a1", "10.231.0.2", "10.231.0.2"}});
    CHECK(want.is.extras.count("Networks.bottle-docs-writer.Links") == 0);
    for (const auto* endpoint : {R"({"IPAMConfig": {"IPv4Address": "10.231.0.2", "LinkLocalIPs": ["169.254.1.1"]}})", R"({"IPAMConfig": {"IPv6Address": "fd00::2"}})",
                                 R"({"Links": ["db:x"]})", R"({"DriverOpts": {"com.docker.network.endpoint.sysctls": "x"}})"}) {
        INFO(endpoint);
        CHECK(widens(diff_container(want.is, with(endpoint).is, want.id)));
    }
}

TEST_CASE("docker: what a container has from its image is the image's") {
    const json image = {{"Id", "sha256:62985db63049"},
                        {"Config", {{"Healthcheck", {{"Test", {"CMD", "/check"}}}}, {"ExposedPorts", {{"3128/tcp", json::object()}}}, {"OnBuild", {"RUN x"}}, {"StopSignal", "SIGINT"}}}};
    CHECK(decode_image(image.dump()).extras == decode_container(good_container().dump()).is.extras);
}

TEST_CASE("docker: every setting of a network is a difference") {
    const auto want = decode_networks(good_network().dump()).front();
    CHECK(want.is.extras.empty());
    const std::pair<const char*, const char*> settings[] = {
        {"/Driver", R"("macvlan")"},
        {"/Internal", "false"},
        {"/EnableIPv6", "true"},
        {"/Attachable", "true"},
        {"/Ingress", "true"},
        {"/Scope", R"("swarm")"},
        {"/ConfigOnly", "true"},
        {"/ConfigFrom", R"({"Network": "x"})"},
        {"/Options", R"({"com.docker.network.bridge.enable_icc": "false"})"},
        {"/IPAM/Driver", R"("evil")"},
        {"/IPAM/Options", R"({"a": "b"})"},
        {"/IPAM/Config/0/Subnet", R"("10.231.0.0/16")"},
        {"/IPAM/Config/0/Gateway", R"("10.231.0.3")"},
        {"/IPAM/Config/0/AuxiliaryAddresses", R"({"x": "10.231.0.2"})"},
        {"/IPAM/Config/1", R"({"Subnet": "fd00::/64"})"},
    };
    for (const auto& [path, value] : settings) {
        INFO(path);
        auto network = good_network();
        network[0][json::json_pointer(path)] = json::parse(value);
        CHECK(widens(diff_network(want.is, decode_networks(network.dump()).front().is, want.id)));
    }
}

TEST_CASE("docker: a volume's driver and options are read") {
    const json volumes = {{"Volumes", {{{"Name", "v"}, {"Driver", "local"}, {"Labels", nullptr}, {"Options", {{"device", "/etc"}}}}, {{"Name", "w"}, {"Driver", "x"}, {"Options", nullptr}}}}};
    const auto decoded = decode_volumes(volumes.dump());
    REQUIRE(decoded.size() == 2);
    CHECK(decoded[0].options == std::map<std::string, std::string>{{"device", "/etc"}});
    CHECK(decoded[1].driver == "x");
    CHECK(decoded[1].options.empty());
}

TEST_CASE("docker: what is asked to be published, and what is: of a container that is stopped, nothing") {
    auto container = good_container();
    container["HostConfig"]["PortBindings"] = {{"9099/tcp", {{{"HostIp", "127.0.0.16"}, {"HostPort", "9099"}}, {{"HostIp", ""}, {"HostPort", ""}}}}, {"53/udp", nullptr}};
    container["NetworkSettings"]["Ports"] = {{"9099/tcp", {{{"HostIp", "127.0.0.16"}, {"HostPort", "9099"}}}}, {"3128/tcp", nullptr}};
    const auto decoded = decode_container(container.dump());
    CHECK(decoded.is.published_ports == std::vector<std::string>{"53/udp", "9099/tcp -> 127.0.0.16:9099", "9099/tcp -> :"});
    CHECK(decoded.live_ports == std::vector<std::string>{"9099/tcp -> 127.0.0.16:9099"});
    const auto name = decoded.is.name;
    CHECK(decode_published(container.dump()) == std::vector<PublishedPort>{{decoded.id, name, "127.0.0.16", 9099}, {decoded.id, name, "", 0}});
    container["NetworkSettings"]["Ports"] = json::object();
    CHECK(decode_container(container.dump()).live_ports.empty());
    container["HostConfig"]["PortBindings"] = nullptr;
    CHECK(decode_published(container.dump()).empty());
}
