#include "tests/docker/private_docker.h"

#include "controllers/host/host_sockets.h"
#include "controllers/host/routes.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <type_traits>

namespace bottle {
namespace {

using nlohmann::json;

std::string tar_member(const std::string& name, const std::string& content, bool executable) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
    char size[13];
    std::snprintf(size, sizeof size, "%011zo", content.size());
    put(0, name);
    put(100, executable ? "0000755" : "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, size);
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    char checksum[8];
    std::snprintf(checksum, sizeof checksum, "%06o", sum);
    put(148, std::string(checksum) + '\0' + ' ');
    return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

/// An action of the model that Docker does.
template <class A>
constexpr bool kIsDockers = std::is_same_v<A, ImportPauseImage> || std::is_same_v<A, CreateVolume> || std::is_same_v<A, RemoveVolume> ||
                            std::is_same_v<A, CreateNetwork> || std::is_same_v<A, RemoveNetwork> || std::is_same_v<A, CreateContainer> ||
                            std::is_same_v<A, ConnectNetwork> || std::is_same_v<A, DisconnectNetwork> || std::is_same_v<A, StartContainer> ||
                            std::is_same_v<A, RemoveContainer> || std::is_same_v<A, RemoveImage>;

}  // namespace

std::string private_docker_socket() {
    const char* host = std::getenv("DOCKER_HOST");
    const char* is_private = std::getenv("BOTTLE_TEST_DOCKER");
    if (host == nullptr || is_private == nullptr) FAIL("this runs on a Docker of its own: tests/support/with-dockerd");
    return docker_socket(host);
}

void DockerHand::call(const std::string& method, const std::string& path, const json& body) {
    const auto answer = engine_.call(method, path, body.is_null() ? "" : body.dump());
    INFO(method << " " << path << ": " << describe(answer, engine_.socket()));
    REQUIRE(answer.answered());
    REQUIRE((answer.succeeded() || answer.status == 304));
}

json DockerHand::get(const std::string& path) {
    const auto answer = engine_.call("GET", path);
    REQUIRE(answer.answered());
    return json::parse(answer.body);
}

void DockerHand::import_image(const std::string& reference, const std::string& changes) {
    std::ifstream busybox("/bin/busybox", std::ios::binary);
    const std::string program{std::istreambuf_iterator<char>(busybox), {}};
    const auto tar = tar_member("bin/busybox", program, true) + std::string(1024, '\0');
    // Not by `tag`, which podman does not look at (4.3.1).
    const auto answer = engine_.call("POST", "/images/create?fromSrc=-&repo=" + reference + changes, tar, "application/x-tar");
    REQUIRE(answer.succeeded());
}

void DockerHand::restart(const std::string& container) { call("POST", "/containers/" + container + "/restart?t=0"); }
void DockerHand::kill(const std::string& container) {
    call("POST", "/containers/" + container + "/kill");
    call("POST", "/containers/" + container + "/wait");
}
void DockerHand::remove_container(const std::string& container) { call("DELETE", "/containers/" + container + "?force=1&v=1"); }
void DockerHand::remove_network(const std::string& network) {
    // Docker removes no network with endpoints on it.
    const auto endpoints = get("/networks/" + network).at("Containers");
    for (const auto& [id, endpoint] : endpoints.items()) disconnect(network, id);
    call("DELETE", "/networks/" + network);
}
void DockerHand::connect(const std::string& network, const std::string& container) { call("POST", "/networks/" + network + "/connect", {{"Container", container}}); }
void DockerHand::disconnect(const std::string& network, const std::string& container) {
    call("POST", "/networks/" + network + "/disconnect", {{"Container", container}, {"Force", true}});
}
void DockerHand::add_network(const std::string& name, const std::string& subnet) {
    call("POST", "/networks/create", {{"Name", name}, {"IPAM", {{"Config", json::array({{{"Subnet", subnet}}})}}}});
}
void DockerHand::add_container(const std::string& name, const std::string& network) {
    call("POST", "/containers/create?name=" + name, {{"Image", "bottle-egress:1"}, {"HostConfig", {{"NetworkMode", network}}}});
    call("POST", "/containers/" + name + "/start");
}
void DockerHand::add_publishing(const std::string& name, const std::string& network, const std::string& address, const std::string& port) {
    const json places = {{"80/tcp", json::array({{{"HostIp", address}, {"HostPort", port}}})}};
    call("POST", "/containers/create?name=" + name,
         {{"Image", "bottle-egress:1"}, {"ExposedPorts", {{"80/tcp", json::object()}}}, {"HostConfig", {{"NetworkMode", network}, {"PortBindings", places}}}});
}
void DockerHand::start(const std::string& container) { call("POST", "/containers/" + container + "/start"); }
void DockerHand::clear() {
    // Podman removes no container that another has joined (4.3.1): that one goes first, and the list has no order.
    for (auto left = get("/containers/json?all=1"); !left.empty();) {
        for (const auto& container : left) engine_.call("DELETE", "/containers/" + container.at("Id").get<std::string>() + "?force=1&v=1");
        auto after = get("/containers/json?all=1");
        REQUIRE(after.size() < left.size());
        left = std::move(after);
    }
    for (const auto& network : get("/networks")) {
        const auto name = network.at("Name").get<std::string>();
        if (name != "none" && name != "host" && name != "bridge") call("DELETE", "/networks/" + network.at("Id").get<std::string>());
    }
    const auto volumes = get("/volumes").at("Volumes");
    if (volumes.is_array()) {
        for (const auto& volume : volumes) call("DELETE", "/volumes/" + volume.at("Name").get<std::string>());
    }
}

Snapshot DockerWorld::observe(const Scope& scope) {
    auto snapshot = model_.observe(scope);
    snapshot.docker = controller_.observe(scope);
    if (!snapshot.docker.present()) return snapshot;
    // What the model computes itself, its proof and its route, comes from the real ids.
    model_.networks.clear();
    for (const auto& network : snapshot.docker->networks) model_.networks[network.id] = network;
    model_.containers.clear();
    for (const auto& container : snapshot.docker->containers) model_.containers[container.id] = container;
    snapshot.route = model_.observe(scope).route;
    // Of the loopback it is the kernel that tells.
    if (scope.tsi_loopback) {
        snapshot.route = route_to(scope.bundle_address, scope.vmm_uid);
        snapshot.listeners = host_sockets();
    }
    return snapshot;
}

Outcome DockerWorld::execute(const Step& step, const Desired& desired, const Snapshot& snapshot) {
    const auto is_dockers = std::visit([](const auto& a) { return kIsDockers<std::decay_t<decltype(a)>>; }, step.action);
    if (!is_dockers) return model_.execute(step, desired, snapshot);
    ++docker_mutations;
    return std::visit(
        [&](const auto& a) -> Outcome {
            if constexpr (kIsDockers<std::decay_t<decltype(a)>>) return controller_.act(a, *snapshot.docker);
            else return {};
        },
        step.action);
}

}  // namespace bottle
