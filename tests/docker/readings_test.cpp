#include "controllers/host/routes.h"
#include "tests/docker/engine_matrix.h"
#include "tests/docker/plain_engine.h"
#include "tests/docker/private_docker.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <net/if.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

using namespace bottle;
using nlohmann::json;

// What bottle must read of an engine before it can say that a bundle is as it should be, and what each engine that was measured makes of it.
// Where podman's word is not Docker's, it is written here and nowhere else. A reading that changes fails: then the refusal of podman is to be thought over.

namespace {

constexpr const char* kPinned = "10.231.0.2";

/// A small bundle on an engine with nothing else in it, made by hand as bottle would make it but for the network's range.
class Scene {
public:
    Scene() {
        hand.clear();
        hand.import_image("bottle-egress:1", "&changes=ENTRYPOINT%20%5B%22%2Fbin%2Fbusybox%22%5D&changes=CMD%20%5B%22sleep%22%2C%221000%22%5D");
        network = make("/networks/create", internal_network("inner", "10.231.0"));
        infra = pinned("infra", network, kPinned);
        infra_before_start = inspect(infra);
        running(infra);
        joined = container("joined", {{"NetworkMode", "container:" + infra}});
        running(joined);
    }
    ~Scene() { hand.clear(); }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    static json internal_network(const std::string& name, const std::string& prefix) {
        return {{"Name", name}, {"CheckDuplicate", true}, {"Internal", true}, {"IPAM", {{"Driver", "default"}, {"Config", {{{"Subnet", prefix + ".0/29"}, {"Gateway", prefix + ".1"}}}}}}};
    }
    static json with_range(json network, const std::string& range) {
        network["IPAM"]["Config"][0]["IPRange"] = range;
        return network;
    }
    EngineAnswer ask(const std::string& method, const std::string& path, const json& body = nullptr) {
        return engine.call(method, path, body.is_null() ? "" : body.dump(), "application/json");
    }
    /// Its id.
    std::string make(const std::string& path, const json& body) {
        const auto answer = ask("POST", path, body);
        INFO(path << ": " << answer.body);
        REQUIRE(answer.succeeded());
        return json::parse(answer.body).at("Id");
    }
    std::string container(const std::string& name, const json& host_config, const json& env = json::array()) {
        return make("/containers/create?name=" + name, {{"Image", "bottle-egress:1"}, {"Env", env}, {"HostConfig", host_config}});
    }
    std::string pinned(const std::string& name, const std::string& on, const std::string& address) {
        return make("/containers/create?name=" + name, {{"Image", "bottle-egress:1"},
                                                        {"HostConfig", {{"NetworkMode", on}}},
                                                        {"NetworkingConfig", {{"EndpointsConfig", {{on, {{"IPAMConfig", {{"IPv4Address", address}}}}}}}}}});
    }
    json inspect(const std::string& id) { return hand.get("/containers/" + id + "/json"); }
    json running(const std::string& id) {
        const auto answer = ask("POST", "/containers/" + id + "/start");
        INFO(answer.body);
        REQUIRE(answer.succeeded());
        return inspect(id);
    }
    json host_config(const std::string& name, const json& given) { return inspect(container(name, given)).at("HostConfig"); }

    PlainEngine engine{private_docker_socket()};
    DockerHand hand{engine};
    const bool is_podman = is_podman_under_test(engine);
    std::string network;
    std::string infra;
    std::string joined;
    json infra_before_start;
};

json only_endpoint(const json& container) {
    const auto& networks = container.at("NetworkSettings").at("Networks");
    REQUIRE(networks.size() == 1);
    return networks.front();
}

std::string proc(const json& container, const std::string& file) {
    return fmt::format("/proc/{}/{}", container.at("State").at("Pid").get<int>(), file);
}

/// Of two containers, the second of which has more: does the engine tell one from the other?
std::string told_apart(const json& one, const json& other) {
    return one.at("HostConfig") == other.at("HostConfig") && one.at("Mounts") == other.at("Mounts") ? "looks like any other" : "shown";
}

/// In an order of their own: podman's is another at each call.
std::string words(const json& texts) {
    auto sorted = texts.get<std::set<std::string>>();
    return fmt::format("{}", fmt::join(sorted, " "));
}

struct Reading {
    const char* name;
    std::string (*of)(Scene&);
    const char* docker;  ///< 20.10.24
    const char* podman;  ///< 4.3.1, with CNI
};

const Reading kReadings[] = {
    {"bottle's own word on it",
     [](Scene&) -> std::string { return make_http_engine(private_docker_socket())->call("GET", "/networks").failure == EngineAnswer::Failure::Refused ? "refused" : "used"; }, "used",
     "refused"},
    // Without any of these, nothing could be proved.
    {"the host's way to the bundle's address",
     [](Scene&) -> std::string {
         const auto route = route_to(kPinned, 0);
         REQUIRE_FALSE(route.unknown());
         return route.present() ? "by a bridge" : "none";
     },
     "by a bridge", "none"},
    {"the bridge of a network", [](Scene& s) -> std::string { return if_nametoindex(("br-" + s.network.substr(0, 12)).c_str()) != 0 ? "br- and its id" : "not told"; },
     "br- and its id", "not told"},
    {"a network removed and made anew",
     [](Scene& s) -> std::string {
         const auto before = s.make("/networks/create", s.internal_network("anew", "10.231.1"));
         REQUIRE(s.ask("DELETE", "/networks/" + before).succeeded());
         return s.make("/networks/create", s.internal_network("anew", "10.231.1")) == before ? "the same id" : "another id";
     },
     "another id", "the same id"},
    {"a container in the host's IPC namespace",
     [](Scene& s) {
         namespace fs = std::filesystem;
         const auto own = s.running(s.container("own-ipc", {{"NetworkMode", "none"}, {"IpcMode", "private"}}));
         const auto hosts = s.running(s.container("hosts-ipc", {{"NetworkMode", "none"}, {"IpcMode", "host"}}));
         REQUIRE(fs::read_symlink(proc(own, "ns/ipc")) != fs::read_symlink("/proc/self/ns/ipc"));
         REQUIRE(fs::read_symlink(proc(hosts, "ns/ipc")) == fs::read_symlink("/proc/self/ns/ipc"));
         return told_apart(own, hosts);
     },
     "shown", "looks like any other"},
    {"a container with all of /proc open",
     [](Scene& s) {
         const auto is_guarded = [](const json& container) {
             std::ifstream file(proc(container, "mountinfo"));
             return std::string{std::istreambuf_iterator<char>(file), {}}.find(" /proc/sys ") != std::string::npos;
         };
         json open = {{"NetworkMode", "none"}};
         if (s.is_podman) open["SecurityOpt"] = {"unmask=ALL"};
         else open["ReadonlyPaths"] = json::array();
         const auto guarded = s.running(s.container("guarded", {{"NetworkMode", "none"}}));
         const auto opened = s.running(s.container("opened", open));
         REQUIRE(is_guarded(guarded));
         REQUIRE_FALSE(is_guarded(opened));
         return told_apart(guarded, opened);
     },
     "shown", "looks like any other"},
    {"who sits on the bundle's network",
     [](Scene& s) {
         json names;
         const auto network = s.hand.get("/networks/inner");
         for (const auto& endpoint : network.at("Containers")) names.push_back(endpoint.at("Name"));
         return words(names);
     },
     "infra", "infra joined"},
    // The bundle that bottle makes does not start.
    {"an address pinned outside the network's range",
     [](Scene& s) -> std::string {
         const auto on = s.make("/networks/create", s.with_range(s.internal_network("ranged", "10.231.2"), "10.231.2.4/30"));
         const auto answer = s.ask("POST", "/containers/" + s.pinned("outside", on, "10.231.2.2") + "/start");
         if (answer.body.find("failed to allocate all requested IPs: 10.231.2.2") != std::string::npos) return "not started";
         REQUIRE(answer.succeeded());
         return "held";
     },
     "held", "not started"},
    {"a network's range", [](Scene& s) { return s.hand.get("/networks/ranged").at("IPAM").at("Config").front().value("IPRange", "not shown"); }, "10.231.2.4/30", "not shown"},
    {"an import's tag",
     [](Scene& s) -> std::string {
         REQUIRE(s.engine.call("POST", "/images/create?fromSrc=-&repo=tagged&tag=1", std::string(1024, '\0'), "application/x-tar").succeeded());
         return s.ask("GET", "/images/tagged:1/json").status == 200 ? "taken" : "not taken";
     },
     "taken", "not taken"},
    // Other words for the same, or fewer.
    {"a pinned address before the start",
     [](Scene& s) -> std::string {
         const auto config = only_endpoint(s.infra_before_start).at("IPAMConfig");
         return config.is_null() ? "not shown" : config.at("IPv4Address");
     },
     kPinned, "not shown"},
    {"a network's own options for addresses", [](Scene& s) { return s.hand.get("/networks/ranged").at("IPAM").at("Options").dump(); }, "null", R"({"driver":"host-local"})"},
    {"the network mode of a container on a network",
     [](Scene& s) -> std::string {
         const auto mode = s.infra_before_start.at("HostConfig").at("NetworkMode");
         return mode == s.network ? "its id" : mode;
     },
     "its id", "bridge"},
    {"the networks of a container that joined another",
     [](Scene& s) -> std::string { return s.inspect(s.joined).at("NetworkSettings").at("Networks").empty() ? "none" : "the other's"; }, "none", "the other's"},
    {"capabilities, all dropped", [](Scene& s) { return words(s.host_config("capabilities", {{"CapDrop", {"ALL"}}}).at("CapDrop")); }, "ALL",
     "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"},
    {"the environment, A=b given", [](Scene& s) { return words(s.inspect(s.container("environment", json::object(), {"A=b"})).at("Config").at("Env")); }, "A=b",
     "A=b PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=xterm container=podman"},
    {"tmpfs of a read-only container, /run given", [](Scene& s) { return s.host_config("tmpfs", {{"ReadonlyRootfs", true}, {"Tmpfs", {{"/run", "rw,size=64m"}}}}).at("Tmpfs").dump(); },
     R"({"/run":"rw,size=64m"})",
     R"({"/run":"rw,size=64m,rprivate,nosuid,nodev,tmpcopyup","/tmp":"rw,rprivate,nosuid,nodev,tmpcopyup","/var/tmp":"rw,rprivate,nosuid,nodev,tmpcopyup"})"},
    {"a log's limits",
     [](Scene& s) { return s.host_config("log", {{"LogConfig", {{"Type", "json-file"}, {"Config", {{"max-size", "8m"}}}}}}).at("LogConfig").at("Config").dump(); },
     R"({"max-size":"8m"})", "null"},
    {"a container's name that is taken", [](Scene& s) { return std::to_string(s.ask("POST", "/containers/create?name=joined", {{"Image", "bottle-egress:1"}}).status); }, "409", "500"},
    {"a network's name that is taken", [](Scene& s) { return std::to_string(s.ask("POST", "/networks/create", s.internal_network("inner", "10.231.3")).status); }, "409", "500"},
    // The same words.
    {"an internal network", [](Scene& s) { return s.hand.get("/networks/inner").at("Internal").dump(); }, "true", "true"},
    {"the address of a running container", [](Scene& s) -> std::string { return only_endpoint(s.inspect(s.infra)).at("IPAddress"); }, kPinned, kPinned},
    {"the time of the start, after a restart",
     [](Scene& s) -> std::string {
         const auto before = s.inspect(s.infra).at("State").at("StartedAt");
         s.hand.restart(s.infra);
         return s.inspect(s.infra).at("State").at("StartedAt") == before ? "the same" : "another";
     },
     "another", "another"},
    {"a container taken off its network",
     [](Scene& s) -> std::string {
         s.hand.disconnect(s.network, s.infra);
         return s.inspect(s.infra).at("NetworkSettings").at("Networks").empty() ? "seen" : "not seen";
     },
     "seen", "seen"},
    // Last: it takes the scene away.
    {"removal of a container that another joined", [](Scene& s) { return std::to_string(s.ask("DELETE", "/containers/" + s.infra + "?force=1").status); }, "204", "500"},
};

}  // namespace

TEST_CASE("what this engine lets bottle read of a bundle") {
    Scene scene;
    for (const auto& reading : kReadings) {
        INFO(reading.name);
        const auto read = reading.of(scene);
        tell_matrix(scene.engine, reading.name, read);
        CHECK(read == (scene.is_podman ? reading.podman : reading.docker));
    }
}
