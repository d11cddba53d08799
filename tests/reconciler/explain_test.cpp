#include "reconciler/explain.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

Explanation explained(ModelWorld& world, const Manifest& manifest = sample_manifest()) {
    const auto desired = look_and_plan(world, manifest).desired;
    return explain(manifest, {}, desired, world.observe(scope_of(world, manifest)));
}

Enforcement by(const Explanation& explanation, const std::string& name) {
    for (const auto& wall : explanation.enforced_by) {
        if (wall.by == name) return wall;
    }
    FAIL("nothing is enforced by " << name);
    return {};
}

struct GoldenCase {
    const char* file;
    void (*change)(ModelWorld&);
};

const GoldenCase kCases[] = {
    {"ready.txt", [](ModelWorld&) {}},
    {"stopped.txt", [](ModelWorld& w) { w.kill_vmm(); }},
    {"started-by-hand.txt",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.start_by_hand();
     }},
    {"null-list.txt", [](ModelWorld& w) { w.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; }); }},
    {"channel-remade.txt", [](ModelWorld& w) { w.live->channels = {"egress.sock"}; }},
    {"stranger-on-network.txt", [](ModelWorld& w) { w.add_foreign_container("curious", "bottle-docs-writer"); }},
    {"firewall-flushed.txt", [](ModelWorld& w) { w.firewall.reset(); }},
    {"processes-unreadable.txt", [](ModelWorld& w) { w.processes_unreadable = "/proc: permission denied"; }},
    {"docker-down.txt", [](ModelWorld& w) { w.docker_down = "/var/run/docker.sock: connection refused"; }},
};

}  // namespace

TEST_CASE("golden: explained") {
    for (const auto& golden : kCases) DYNAMIC_SECTION(golden.file) {
        auto world = ready_world();
        golden.change(world);
        const int before = world.mutations;
        check_golden(std::string("explain/") + golden.file, to_text(explained(world)));
        CHECK(world.mutations == before);
    }
}

TEST_CASE("golden: explained before the first apply, and as JSON") {
    auto world = empty_world();
    check_golden("explain/nothing-made.txt", to_text(explained(world)));
    check_golden("explain/nothing-made.json", to_json(explained(world)));
    auto ready = ready_world();
    check_golden("explain/ready.json", to_json(explained(ready)));
}

TEST_CASE("golden: explained without a firewall, and with the manifest's own mode") {
    auto manifest = sample_manifest();
    manifest.network.firewall = "off";
    manifest.network.mode = NetworkMode::Bridge;
    auto world = ready_world(manifest);
    check_golden("explain/firewall-off.txt", to_text(explained(world, manifest)));
}

TEST_CASE("golden: explained of a machine without a network") {
    const auto manifest = sample_with_socket();
    auto world = ready_world(manifest);
    check_golden("explain/socket.txt", to_text(explained(world, manifest)));
    check_golden("explain/socket.json", to_json(explained(world, manifest)));
}

TEST_CASE("golden: a refused mode is explained, and nothing is said to hold in it") {
    auto manifest = sample_manifest();
    manifest.network.mode = NetworkMode::TsiLoopback;
    manifest.network.mode_place = {"bottle.yaml", 9, 13};
    auto world = empty_world();
    const auto explanation = explained(world, manifest);
    CHECK(explanation.enforced_by.empty());
    check_golden("explain/refused.txt", to_text(explanation));
    check_golden("explain/refused.json", to_json(explanation));
}

TEST_CASE("a wall is said to hold only while a machine runs and its evidence holds") {
    auto world = ready_world();
    for (const auto* wall : {"smolvm", "names", "network", "firewall"}) {
        CHECK(by(explained(world), wall).verdict == Verdict::Holds);
        CHECK(by(explained(world), wall).doubt.empty());
    }
    SECTION("an open list is smolvm's and the names' doubt, and nobody else's") {
        world.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; });
        CHECK(by(explained(world), "smolvm").verdict == Verdict::Fails);
        CHECK(by(explained(world), "names").verdict == Verdict::Fails);
        CHECK(by(explained(world), "network").verdict == Verdict::Holds);
        CHECK(by(explained(world), "firewall").verdict == Verdict::Holds);
    }
    SECTION("no proof of this boot") {
        world.stored.proof.reset();
        CHECK(by(explained(world), "smolvm").verdict == Verdict::Unknown);
        CHECK(by(explained(world), "names").verdict == Verdict::Unknown);
        CHECK(by(explained(world), "firewall").verdict == Verdict::Holds);
    }
    SECTION("Docker that cannot be read is a doubt of what it shows, and no change of the firewall") {
        world.docker_down = "/var/run/docker.sock: connection refused";
        CHECK(by(explained(world), "network").verdict == Verdict::Unknown);
        CHECK(by(explained(world), "firewall").verdict == Verdict::Holds);
        CHECK(explained(world).ports.size() == 1);
    }
    SECTION("none is asked for") {
        auto manifest = sample_manifest();
        manifest.network.firewall = "off";
        CHECK_FALSE(by(explained(world, manifest), "firewall").there);
        CHECK_FALSE(by(explained(world, manifest), "firewall").verdict);
    }
    SECTION("no machine") {
        world.kill_vmm();
        for (const auto& wall : explained(world).enforced_by) CHECK_FALSE(wall.verdict);
    }
}

TEST_CASE("an address is said to be held only where the records say so") {
    auto world = empty_world();
    CHECK_FALSE(explained(world).held);
    world = ready_world();
    CHECK(explained(world).held);
    SECTION("they say of none") {
        world.stored.allocation.reset();
        CHECK_FALSE(explained(world).held);
    }
    SECTION("they cannot be read") {
        const auto desired = look_and_plan(world, sample_manifest()).desired;
        auto snapshot = world.observe(scope_of(world, sample_manifest()));
        snapshot.stored = Unknown{"the state database is locked"};
        CHECK_FALSE(explain(sample_manifest(), {}, desired, snapshot).held);
    }
}
