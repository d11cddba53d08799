#include "reconciler/network_mode.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

ModeChoice choice(std::optional<NetworkMode> asked) {
    NetworkSpec network;
    network.mode = asked;
    network.mode_place = {"bottle.yaml", 14, 19};
    return choose_network_mode(network, {}, {});
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

TEST_CASE("the mode stands in what is desired, with its reason") {
    auto world = ready_world();
    const auto desired = look_and_plan(world, sample_manifest()).desired;
    CHECK(desired.mode == NetworkMode::Bridge);
    CHECK(desired.mode_why == choice(std::nullopt).why);
}
