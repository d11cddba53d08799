#include "reconciler/reach.h"
#include "reconciler/log_end.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

Target target(const std::string& text) {
    return std::get<Target>(parse_target(text));
}

Reached reached(ModelWorld& world, const std::string& text, const Manifest& manifest = sample_manifest()) {
    const auto desired = look_and_plan(world, manifest).desired;
    return reach_of(manifest, {}, desired, world.observe(scope_of(world, manifest)), target(text));
}

std::string layers_of(const Reached& reach) {
    std::string text;
    for (const auto& layer : reach.layers) text += (text.empty() ? "" : " ") + layer.by + (layer.lets_through ? "+" : "-");
    return text;
}

Manifest without_firewall() {
    auto manifest = sample_manifest();
    manifest.network.firewall = "off";
    return manifest;
}

void open_list(ModelWorld& world) {
    world.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; });
}

constexpr const char* kTargets[] = {"10.231.0.2:9099", "10.231.0.2:22", "10.231.0.1:9099", "1.1.1.1:443", "169.254.169.254:80", "127.0.0.1:9099", "127.0.0.2:9099", "localhost:80",
                                    "[::1]:80", "[fe80::1]:443", "[::ffff:10.231.0.2]:9099", "example.com:443"};

}  // namespace

TEST_CASE("what is an address and a port, and what is wrong with anything else") {
    CHECK(target("10.231.0.2:9099") == Target{"10.231.0.2", 9099, Target::Kind::Ipv4});
    CHECK(target("Example.COM.:443") == Target{"example.com", 443, Target::Kind::Name});
    CHECK(target("[2001:DB8:0:0::1]:1") == Target{"2001:db8::1", 1, Target::Kind::Ipv6});
    CHECK(target("[::ffff:10.0.0.1]:65535") == Target{"10.0.0.1", 65535, Target::Kind::Ipv4});
    for (const auto* bad : {"", ":", "10.231.0.2", "10.231.0.2:", "10.231.0.2:0", "10.231.0.2:65536", "10.231.0.2:1x", "10.231.0.2:-1", "10.231.0.2:080", "010.0.0.1:80", "1.2.3:80",
                            "10.0.0.300:80", "::1:80", "[::1:80", "[]:80", "[10.0.0.1]:80", "[fe80::1%eth0]:80", "a b:80", "exa\x1bmple.com:80", "-x:80", ".:80", "http://x:80", ":80"}) {
        INFO(bad);
        REQUIRE(std::holds_alternative<std::string>(parse_target(bad)));
        CHECK_FALSE(std::get<std::string>(parse_target(bad)).empty());
    }
    CHECK(std::holds_alternative<std::string>(parse_target(std::string(300, 'a') + ":80")));
    CHECK(to_text(target("[::1]:80")) == "[::1]:80");
    CHECK(to_text(target("x.y:80")) == "x.y:80");
}

TEST_CASE("golden: where the guest gets, on a network with a firewall, without one, and without a network") {
    std::string all;
    auto world = ready_world();
    auto open = ready_world(without_firewall());
    const auto socket_manifest = sample_with_socket();
    auto socket = ready_world(socket_manifest);
    for (const auto* text : kTargets) {
        all += to_text(reached(world, text)) + to_text(reached(open, text, without_firewall())) + to_text(reached(socket, text, socket_manifest)) + "\n";
    }
    check_golden("explain/reach.txt", all);
    check_golden("explain/reach.json", to_json(reached(world, "1.1.1.1:443")));
    check_golden("explain/reach-bundle.json", to_json(reached(world, "10.231.0.2:9099")));
}

TEST_CASE("golden: where the guest gets when a layer does not hold") {
    std::string all;
    auto world = ready_world();
    open_list(world);
    all += to_text(reached(world, "1.1.1.1:443"));
    auto bare = ready_world(without_firewall());
    open_list(bare);
    all += to_text(reached(bare, "1.1.1.1:443", without_firewall())) + to_text(reached(bare, "example.com:443", without_firewall()));
    auto dead = ready_world();
    dead.kill_vmm();
    all += to_text(reached(dead, "1.1.1.1:443")) + to_text(reached(dead, "10.231.0.2:9099"));
    auto refused = sample_manifest();
    refused.network.mode = NetworkMode::TsiLoopback;
    auto empty = empty_world();
    all += to_text(reached(empty, "1.1.1.1:443", refused));
    check_golden("explain/reach-in-doubt.txt", all);
}

TEST_CASE("each layer says for itself whether it lets a try through") {
    auto world = ready_world();
    CHECK(layers_of(reached(world, "10.231.0.2:9099")) == "list+ firewall+ network+");
    CHECK(layers_of(reached(world, "10.231.0.2:9098")) == "list+ firewall- network+");
    CHECK(layers_of(reached(world, "10.231.0.3:9099")) == "list- firewall-");
    CHECK(layers_of(reached(world, "[fe80::1]:9099")) == "list- firewall-");
    CHECK(layers_of(reached(world, "example.com:9099")) == "names-");
    CHECK(reached(world, "10.231.0.2:9099").end == Reached::End::LetThrough);
    CHECK(reached(world, "10.231.0.2:9098").end == Reached::End::Stopped);
    CHECK(reached(world, "127.0.0.1:9099").end == Reached::End::InGuest);
    CHECK(reached(world, "10.231.0.2:9099").way_out.empty());
    CHECK_FALSE(reached(world, "1.1.1.1:443").way_out.empty());
    const auto manifest = sample_with_socket();
    auto socket = ready_world(manifest);
    CHECK(layers_of(reached(socket, "127.0.0.1:9099", manifest)) == "socket+");
    CHECK(layers_of(reached(socket, "127.0.0.2:9099", manifest)) == "guest+");
    CHECK(layers_of(reached(socket, "127.0.0.1:9098", manifest)) == "guest+");
    CHECK(layers_of(reached(socket, "10.231.0.2:9099", manifest)) == "no network- firewall-");
}

TEST_CASE("what stops a try on paper alone does not stop it") {
    auto world = ready_world();
    open_list(world);
    // The list is open; the firewall holds.
    CHECK(reached(world, "1.1.1.1:443").end == Reached::End::Stopped);
    world.firewall.reset();
    CHECK(reached(world, "1.1.1.1:443").end == Reached::End::Doubtful);
    auto unproved = ready_world(without_firewall());
    CHECK(reached(unproved, "1.1.1.1:443", without_firewall()).end == Reached::End::Stopped);
    unproved.stored.proof.reset();
    // Unknown does not count as holding.
    CHECK(reached(unproved, "1.1.1.1:443", without_firewall()).end == Reached::End::Doubtful);
    CHECK(reached(unproved, "example.com:443", without_firewall()).end == Reached::End::Doubtful);
}

TEST_CASE("a log has ended when what writes it has, and never because nobody can tell") {
    auto world = ready_world();
    const auto look = [&world] { return world.observe(scope_of(world, sample_manifest())); };
    const auto ended = [&look](const std::string& part) { return log_has_ended(part, "docs-writer", look()); };
    CHECK_FALSE(ended(""));
    CHECK_FALSE(ended("machine"));
    CHECK_FALSE(ended("egress"));
    CHECK(ended("none"));
    SECTION("the agent's command") {
        auto snapshot = look();
        auto workload = *snapshot.workload;
        workload.state = WorkloadExited{0};
        snapshot.workload = workload;
        CHECK(log_has_ended("", "docs-writer", snapshot));
        workload.state = WorkloadLost{};
        snapshot.workload = workload;
        CHECK(log_has_ended("", "docs-writer", snapshot));
        snapshot.workload = Absent{};
        CHECK(log_has_ended("", "docs-writer", snapshot));
        snapshot.workload = Unknown{"its record makes no sense"};
        CHECK_FALSE(log_has_ended("", "docs-writer", snapshot));
    }
    SECTION("a container") {
        world.stop_container("bottle-docs-writer-egress");
        CHECK(ended("egress"));
        world.docker_down = "connection refused";
        CHECK_FALSE(ended("egress"));
    }
    SECTION("the machine") {
        world.processes_unreadable = "/proc: permission denied";
        CHECK_FALSE(ended("machine"));
        world.processes_unreadable.reset();
        world.kill_vmm();
        CHECK(ended("machine"));
    }
}
