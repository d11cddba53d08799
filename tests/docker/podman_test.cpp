#include "controllers/host/preflight.h"
#include "tests/docker/contract_cases.h"
#include "tests/docker/engine_matrix.h"
#include "tests/docker/plain_engine.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

TEST_CASE("podman itself is refused by name, with the reason, and nothing is asked of it") {
    PlainEngine plain(private_docker_socket());
    REQUIRE(is_podman_under_test(plain));
    const auto engine = make_http_engine(private_docker_socket());
    const auto answer = engine->call("GET", "/networks");
    CHECK(answer.failure == EngineAnswer::Failure::Refused);
    DockerController controller(*engine);
    const auto facts = controller.facts();
    CHECK(facts.refused);
    CHECK(facts.problem.find("it is podman 4.") != std::string::npos);
    Scope scope;
    scope.bottle = "docs-writer";
    CHECK(controller.observe(scope).unknown());
}

TEST_CASE("past the refusal, no bundle stands on podman: what it makes is not what was asked for, and delete leaves nothing") {
    PlainEngine engine(private_docker_socket());
    DockerHand hand(engine);
    hand.clear();
    hand.import_image("bottle-egress:1", "&changes=ENTRYPOINT%20%5B%22%2Fbin%2Fbusybox%22%5D&changes=CMD%20%5B%22sleep%22%2C%221000%22%5D");
    auto records = empty_world();
    DockerWorld world(engine, records);
    const auto made = apply(records, sample_with_volume(), world, world);
    CHECK(made.exit == Exit::Failed);
    REQUIRE(made.problems.size() == 1);
    // The range is not shown, so that the network looks like another one, and is made again.
    CHECK(made.problems.front().text == "create network bottle-docs-writer was done 2 times and does not take: absent");
    CHECK_FALSE(records.live);
    // Each case of the contract begins with a bundle that stands.
    for (const auto& one : contract_cases()) tell_matrix(engine, std::string("contract: ") + one.name, "no bundle stands");

    REQUIRE(remove("docs-writer", world, world).exit == Exit::Ok);
    for (const auto& left : hand.get("/networks")) CHECK(left.at("Name").get<std::string>().find("bottle-") == std::string::npos);
    CHECK(hand.get("/volumes").at("Volumes").empty());
    CHECK_FALSE(records.row);
    hand.clear();
}
