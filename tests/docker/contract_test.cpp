#include "tests/docker/contract_cases.h"
#include "tests/docker/engine_matrix.h"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <regex>

using namespace bottle;
using namespace bottle::model;

namespace {

/// Ids are each host's own.
std::string neutral(const std::string& plan) {
    const auto without_images = std::regex_replace(plan, std::regex("sha256:[0-9a-f]{12}"), "sha256:…");
    return std::regex_replace(without_images, std::regex("[0-9a-f]{64}"), "…");
}

struct RealDocker {
    std::unique_ptr<Engine> engine = make_http_engine(private_docker_socket());
    DockerHand hand{*engine};
    ModelWorld records;
    DockerWorld world{*engine, records};

    explicit RealDocker(ModelWorld given = empty_world()) : records(std::move(given)) {
        hand.clear();
        hand.import_image("bottle-egress:1", "&changes=ENTRYPOINT%20%5B%22%2Fbin%2Fbusybox%22%5D&changes=CMD%20%5B%22sleep%22%2C%221000%22%5D");
    }
    ~RealDocker() { hand.clear(); }
    RealDocker(const RealDocker&) = delete;
    RealDocker& operator=(const RealDocker&) = delete;

    ConvergeResult apply(const Manifest& manifest) { return model::apply(records, manifest, world, world); }
    Plan plan(const Manifest& manifest) { return look_and_plan(records, world, manifest).plan; }
};

}  // namespace

TEST_CASE("contract: the plan for what somebody did to Docker is the same in memory and on the real one") {
    const auto manifest = sample_with_volume();
    for (const auto& one : contract_cases()) DYNAMIC_SECTION(one.name) {
        std::printf("contract: in memory, and Docker at %s: %s\n", private_docker_socket().c_str(), one.name);
        auto memory = ready_world(manifest);
        one.in_memory(memory);
        const auto in_memory = neutral(to_text(look_and_plan(memory, manifest).plan));

        RealDocker docker;
        const auto made = docker.apply(manifest);
        if (!made.problems.empty()) UNSCOPED_INFO(made.problems.front().text);
        REQUIRE(made.exit == Exit::Ok);
        REQUIRE(docker.plan(manifest).empty());
        const auto pid = docker.records.live->pid;
        one.by_hand(docker.hand);
        const auto on_docker = neutral(to_text(docker.plan(manifest)));
        tell_matrix(*docker.engine, std::string("contract: ") + one.name, on_docker == in_memory ? "the plan of the in-memory host" : "another plan");
        CHECK(on_docker == in_memory);

        const auto again = docker.apply(manifest);
        if (!again.problems.empty()) UNSCOPED_INFO(again.problems.front().text);
        REQUIRE(again.exit == Exit::Ok);
        CHECK(docker.plan(manifest).empty());
        CHECK((docker.records.live->pid == pid) == one.restarts_nothing);
        CHECK(apply(memory, manifest).exit == Exit::Ok);

        const int before = docker.world.docker_mutations;
        CHECK(docker.apply(manifest).exit == Exit::Ok);
        CHECK(docker.world.docker_mutations == before);
    }
}

TEST_CASE("on a real Docker: what is made is what was asked for, and delete leaves nothing") {
    RealDocker docker;
    docker.hand.add_network("mine", "172.28.0.0/24");
    docker.hand.add_container("mine", "mine");
    const auto manifest = sample_with_volume();
    REQUIRE(docker.apply(manifest).exit == Exit::Ok);

    const auto infra = docker.hand.get("/containers/" + std::string(kInfraName) + "/json");
    CHECK(infra.at("NetworkSettings").at("Networks").at(kInternal).at("IPAddress") == "10.231.0.2");
    CHECK(infra.at("HostConfig").at("CapDrop") == nlohmann::json::array({"ALL"}));
    CHECK(infra.at("HostConfig").at("ReadonlyRootfs") == true);
    CHECK(infra.at("Config").at("User") == "65534:65534");
    const auto egress = docker.hand.get("/containers/" + std::string(kEgress) + "/json");
    CHECK(egress.at("HostConfig").at("NetworkMode") == "container:" + infra.at("Id").get<std::string>());
    CHECK(egress.at("NetworkSettings").at("Networks").empty());
    CHECK(egress.at("State").at("Running") == true);
    const auto network = docker.hand.get("/networks/" + std::string(kInternal));
    CHECK(network.at("Internal") == true);
    CHECK(network.at("EnableIPv6") == false);
    CHECK(network.at("Containers").size() == 1);

    REQUIRE(remove("docs-writer", docker.world, docker.world).exit == Exit::Ok);
    const auto containers = docker.hand.get("/containers/json?all=1");
    REQUIRE(containers.size() == 1);
    CHECK(containers.front().at("Names").front() == "/mine");
    for (const auto& left : docker.hand.get("/networks")) CHECK(left.at("Name").get<std::string>().find("bottle-") == std::string::npos);
    const auto volumes = docker.hand.get("/volumes").at("Volumes");
    CHECK((volumes.is_null() || volumes.empty()));
    CHECK_FALSE(docker.records.row);
}

TEST_CASE("on a real Docker: a thing that is there already, or gone already, is no failure") {
    RealDocker docker;
    const auto manifest = sample_manifest();
    REQUIRE(docker.apply(manifest).exit == Exit::Ok);
    DockerController controller(*docker.engine);
    const auto view = docker.world.observe(scope_of(docker.records, manifest)).docker;
    REQUIRE(view.present());
    const auto& infra = view->containers.front();
    CHECK(controller.act(StartContainer{infra.id}, *view).kind == Outcome::Kind::Done);
    CHECK(controller.act(RemoveContainer{std::string(64, 'a')}, *view).kind == Outcome::Kind::Done);
    CHECK(controller.act(RemoveNetwork{std::string(64, 'a')}, *view).kind == Outcome::Kind::Done);
    CHECK(controller.act(RemoveVolume{"nowhere"}, *view).kind == Outcome::Kind::Done);
    // What cannot be is told in Docker's own words.
    const auto outcome = controller.act(StartContainer{std::string(64, 'a')}, *view);
    CHECK(outcome.kind == Outcome::Kind::Failed);
    CHECK(outcome.text.find("No such container") != std::string::npos);
    auto network = sample_manifest();
    CHECK(controller.act(CreateNetwork{view->networks.front().is}, *view).kind == Outcome::Kind::Failed);
}

// --- mode tsi-loopback ---

namespace {

constexpr const char* kInfraContainer = "bottle-docs-writer-infra";

/// What a client gets there: Docker takes the connection before it dials the container.
std::string answer_of(const std::string& address, int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, address.c_str(), &to.sin_addr);
    const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    close(fd);
    return connected ? "connected" : std::strerror(errno);
}

std::string first_refusal(const Plan& plan) {
    return plan.refusals.empty() ? "" : plan.refusals.front().text;
}

}  // namespace

TEST_CASE("loopback on a real Docker: each port is published on the alias and nowhere else, and read back so") {
    RealDocker docker(loopback_world());
    const auto manifest = sample_on_loopback();
    const auto made = docker.apply(manifest);
    if (!made.problems.empty()) UNSCOPED_INFO(made.problems.front().text);
    REQUIRE(made.exit == Exit::Ok);
    CHECK(docker.plan(manifest).empty());
    const auto infra = docker.hand.get("/containers/" + std::string(kInfraContainer) + "/json");
    const nlohmann::json wanted = {{"9099/tcp", {{{"HostIp", "127.0.0.16"}, {"HostPort", "9099"}}}}, {"10418/tcp", {{{"HostIp", "127.0.0.16"}, {"HostPort", "10418"}}}}};
    CHECK(infra.at("HostConfig").at("PortBindings") == wanted);
    CHECK(infra.at("NetworkSettings").at("Ports") == wanted);
    for (const int port : {9099, 10418}) {
        CHECK(answer_of("127.0.0.16", port) == "connected");
        for (const auto* other : {"127.0.0.1", "127.0.0.17", "10.232.0.1"}) CHECK(answer_of(other, port) == "Connection refused");
    }
    const int before = docker.world.docker_mutations;
    CHECK(docker.apply(manifest).exit == Exit::Ok);
    CHECK(docker.world.docker_mutations == before);

    SECTION("infra started again publishes again, and the machine is proved anew") {
        docker.hand.restart(kInfraContainer);
        CHECK_FALSE(docker.plan(manifest).empty());
        CHECK(docker.apply(manifest).exit == Exit::Ok);
        CHECK(docker.plan(manifest).empty());
    }
    SECTION("somebody's container on the same address stops the machine, running or not") {
        docker.hand.add_publishing("web", "bottle-docs-writer-external", "127.0.0.16", "8080");
        auto plan = docker.plan(manifest);
        CHECK(first_refusal(plan).find("container web: also publishes on 127.0.0.16, port 8080") == 0);
        CHECK(std::holds_alternative<StopMachine>(plan.steps.front().action));
        docker.hand.start("web");
        CHECK(first_refusal(docker.plan(manifest)).find("container web: also publishes") == 0);
        docker.hand.remove_container("web");
        CHECK(docker.apply(manifest).exit == Exit::Ok);
    }
    SECTION("one on every address of this host answers on the alias, too") {
        docker.hand.add_network("mine", "172.28.0.0/24");
        docker.hand.add_publishing("web", "mine", "0.0.0.0", "8080");
        CHECK(docker.plan(manifest).empty());
        docker.hand.start("web");
        CHECK(answer_of("127.0.0.16", 8080) == "connected");
        const auto plan = docker.plan(manifest);
        REQUIRE_FALSE(plan.steps.empty());
        CHECK(std::holds_alternative<StopMachine>(plan.steps.front().action));
        CHECK(plan.steps.front().cause.find("tcp 0.0.0.0:8080 of this host answers on 127.0.0.16, too") != std::string::npos);
    }
}

TEST_CASE("loopback on a real Docker: an address that a container of anybody's publishes on is passed over, also while it is stopped") {
    RealDocker docker(loopback_world());
    docker.hand.add_network("mine", "172.28.0.0/24");
    docker.hand.add_publishing("stopped", "mine", "127.0.0.16", "9099");
    docker.hand.add_publishing("running", "mine", "127.0.0.17", "8080");
    docker.hand.start("running");
    const auto manifest = sample_on_loopback();
    REQUIRE(docker.apply(manifest).exit == Exit::Ok);
    CHECK(docker.records.stored.allocation->alias == "127.0.0.18");
    CHECK(answer_of("127.0.0.18", 9099) == "connected");
}

TEST_CASE("loopback on a real Docker: from an internal network alone nothing is published") {
    RealDocker docker;
    REQUIRE(docker.apply(sample_manifest()).exit == Exit::Ok);
    docker.hand.add_publishing("alone", "bottle-docs-writer", "127.0.0.16", "9099");
    docker.hand.start("alone");
    const auto alone = docker.hand.get("/containers/alone/json");
    CHECK(alone.at("State").at("Running") == true);
    CHECK(alone.at("NetworkSettings").at("Ports").empty());
    CHECK(answer_of("127.0.0.16", 9099) == "Connection refused");
}
