#include "tests/docker/contract_cases.h"
#include "tests/docker/engine_matrix.h"

#include <catch2/catch.hpp>

#include <cstdio>
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
    ModelWorld records = empty_world();
    DockerWorld world{*engine, records};

    RealDocker() {
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
