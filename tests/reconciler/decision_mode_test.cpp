#include "reconciler/network_mode.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

ModeChoice choice(std::optional<NetworkMode> asked, const HostPolicy& policy = {}) {
    NetworkSpec network;
    network.mode = asked;
    network.mode_place = {"bottle.yaml", 14, 19};
    return choose_network_mode(network, policy);
}

}  // namespace

TEST_CASE("auto is bridge, and says why it is no other") {
    const auto automatic = choice(std::nullopt);
    CHECK(automatic.mode == NetworkMode::Bridge);
    CHECK(automatic.problems.empty());
    CHECK(automatic.why.find("auto is bridge") == 0);
    for (const auto* other : {"socket", "tsi-loopback"}) CHECK(automatic.why.find(other) != std::string::npos);
}

TEST_CASE("a manifest's own mode is taken as it is, and never exchanged for another") {
    for (const auto mode : {NetworkMode::Bridge, NetworkMode::Socket, NetworkMode::TsiLoopback}) {
        CHECK(choice(mode).mode == mode);
        CHECK(choice(mode).why == "the manifest says so");
    }
    for (const auto mode : {NetworkMode::Bridge, NetworkMode::Socket}) CHECK(choice(mode).problems.empty());
}

TEST_CASE("a mode of a later version is refused at its line, also where no loader has refused it") {
    for (const auto mode : {NetworkMode::TsiLoopback}) {
        HostPolicy policy;
        policy.file = "/home/me/.config/bottle/config.yaml";
        REQUIRE(choice(mode, policy).problems.size() == 1);
        CHECK(choice(mode, policy).problems.front().hint == "network.mode: bridge; or, as the host's owner, network: {tsiLoopback: true} in /home/me/.config/bottle/config.yaml");
        policy.network.tsi_loopback = true;
        const auto problems = choice(mode, policy).problems;
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().text == std::string(name_of(mode)) + " is not in this version");
        CHECK(problems.front().place == Place{"bottle.yaml", 14, 19});

        auto manifest = sample_manifest();
        manifest.network.mode = mode;
        auto world = empty_world();
        CHECK(look_and_plan(world, manifest).plan.refusals.size() == 1);
        CHECK(apply(world, manifest).exit == Exit::Precondition);
        CHECK(world.networks.empty());
    }
}

TEST_CASE("the mode stands in what is desired, with its reason") {
    auto world = ready_world();
    const auto desired = look_and_plan(world, sample_manifest()).desired;
    CHECK(desired.mode == NetworkMode::Bridge);
    CHECK(desired.mode_why == choice(std::nullopt).why);
}
