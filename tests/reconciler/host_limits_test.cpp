#include "reconciler/host_limits.h"

#include "manifests/yaml_document.h"
#include "reconciler/report.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace bottle;
using namespace bottle::model;

namespace {

const std::string kHead = "apiVersion: bottle/v1\nkind: HostPolicy\n";

HostPolicy policy_of(const std::string& text) {
    return parse_host_policy(SourceText("/etc/bottle/config.yaml", kHead + text));
}

/// "9:13 text | hint", one a line, with the policy's folder cut off.
std::string told(const Manifest& manifest, const std::string& policy) {
    std::string all;
    for (const auto& problem : beyond_limits(manifest, policy_of(policy))) all += fmt::format("{}:{} {} | {}\n", problem.place->line, problem.place->column, problem.text, problem.hint);
    for (auto at = all.find("/etc/bottle/"); at != std::string::npos; at = all.find("/etc/bottle/")) all.erase(at, std::string("/etc/bottle/").size());
    return all;
}

std::string told_of_image(const std::string& image, const std::string& policy) {
    auto manifest = sample_manifest();
    manifest.bundle.containers.front().image = image;
    return told(manifest, policy);
}

Plan plan_with(ModelWorld& world, const Manifest& manifest, const HostPolicy& policy) {
    const auto snapshot = world.observe(scope_of(world, manifest));
    const auto allocation = world.stored.allocation.value_or(Allocation{"10.231.0.0/29", "10.232.0.0/29", 2'900'000});
    return plan_apply(desire(manifest, policy, allocation, snapshot, test_digest()), snapshot, {});
}

}  // namespace

TEST_CASE("a host policy that limits nothing allows everything that bottle gives") {
    auto manifest = sample_with_volume();
    manifest.machine.memory_mib = 1 << 20;
    CHECK(told(manifest, "").empty());
    CHECK(told(manifest, "allow: {}\n").empty());
    CHECK(told(manifest, "allow: {digestsOnly: false, machine: {disk: {}}, containers: {}}\n").empty());
}

TEST_CASE("images come from the repositories that the host allows") {
    const auto allow = [](const std::string& patterns) { return "allow: {images: [" + patterns + "]}\n"; };
    for (const auto* patterns : {"bottle-egress", "\"bottle-*\"", "\"*\"", "\"**\"", "web, \"*-egress\""}) {
        INFO(patterns);
        CHECK(told_of_image("bottle-egress:1", allow(patterns)).empty());
        CHECK(told_of_image("bottle-egress", allow(patterns)).empty());
        CHECK(told_of_image("bottle-egress@sha256:" + std::string(64, 'a'), allow(patterns)).empty());
        CHECK(told_of_image("bottle-egress:1@sha256:" + std::string(64, 'a'), allow(patterns)).empty());
    }
    CHECK(told_of_image("localhost:5000/team/web:1", allow("\"localhost:5000/team/*\"")).empty());
    CHECK(told_of_image("localhost:5000/team/web", allow("\"localhost:5000/team/*\"")).empty());
    CHECK(told_of_image("localhost:5000/team/a/web:1", allow("\"localhost:5000/team/**\"")).empty());
    CHECK_FALSE(told_of_image("localhost:5000/team/a/web:1", allow("\"localhost:5000/team/*\"")).empty());
    CHECK_FALSE(told_of_image("evil.example.com/bottle-egress:1", allow("\"bottle-*\"")).empty());
    CHECK_FALSE(told_of_image("bottle-egress/x:1", allow("\"bottle-*\"")).empty());
    CHECK_FALSE(told_of_image("evil:bottle-egress", allow("\"bottle-*\"")).empty());
    CHECK(told_of_image("web:1", allow("\"bottle-*\", team/web")) ==
          "13:16 image web:1 is of no repository that this host allows (config.yaml:3:17) | allowed: bottle-*, team/web; the host's owner can add to allow.images in config.yaml\n");
    CHECK(told_of_image("web:1", "allow: {images: []}\n").find("allowed: none; ") != std::string::npos);
    // By its id an image may be of any repository.
    for (const auto& id : {"sha256:" + std::string(64, 'b'), std::string(64, 'b'), std::string("beef")}) {
        INFO(id);
        CHECK(told_of_image(id, allow("\"be*\", \"bb*\", \"sha256*\"")).find("is named by its id, which says no repository") != std::string::npos);
    }
}

TEST_CASE("a machine's image is limited as what it is made of") {
    auto manifest = sample_manifest();
    manifest.machine.rootfs.clear();
    manifest.machine.image_place = {"bottle.yaml", 6, 20};
    manifest.machine.docker = "agent:1";
    CHECK(told(manifest, "allow: {rootfs: [/home], images: [\"bottle-*\", agent]}\n").empty());
    CHECK(told(manifest, "allow: {images: [\"bottle-*\"]}\n") ==
          "6:20 image agent:1 is of no repository that this host allows (config.yaml:3:17) | allowed: bottle-*; the host's owner can add to allow.images in config.yaml\n");
    CHECK(told(manifest, "allow: {digestsOnly: true}\n").find("6:20 image agent:1 may become another one under that name") != std::string::npos);
    manifest.machine.docker.clear();
    manifest.machine.archive = "/srv/agent.tar";
    CHECK(told(manifest, "allow: {rootfs: [/srv], images: []}\n").find("agent") == std::string::npos);
    CHECK(told(manifest, "allow: {rootfs: [/home]}\n") ==
          "6:20 the root file system /srv/agent.tar lies in no folder that this host allows (config.yaml:3:17) | allowed: /home; the host's owner can add to allow.rootfs in config.yaml\n");
}

TEST_CASE("where only digests are allowed, a name that can move is none") {
    const std::string only = "allow: {digestsOnly: true}\n";
    const std::string digest = "sha256:" + std::string(64, 'c');
    for (const auto& image : {digest, "web@" + digest, "web:1@" + digest, "localhost:5000/web@" + digest}) CHECK(told_of_image(image, only).empty());
    for (const auto& image : {std::string("web"), std::string("web:1"), std::string(64, 'c'), digest.substr(0, 70), digest + "c", "web:" + std::string(64, 'c'), "web@sha256:" + std::string(64, 'C')}) {
        INFO(image);
        CHECK(told_of_image(image, only).find("13:16 image ") == 0);
    }
    CHECK(told_of_image("web:1", only) ==
          "13:16 image web:1 may become another one under that name, and this host allows only digests (config.yaml:3:22) | docker image inspect -f '{{.Id}} {{.RepoDigests}}' web:1   shows what to "
          "write\n");
}

TEST_CASE("a root file system lies in a folder that the host allows") {
    const auto told_of = [](const std::string& folders) { return told(sample_manifest(), "allow: {rootfs: [" + folders + "]}\n"); };
    CHECK(told_of("/srv").empty());
    CHECK(told_of("/home, /srv/agent-rootfs").empty());
    for (const auto* folders : {"/home", "/srv/agent", "/srv/agent-rootfs/x", "/sr"}) CHECK_FALSE(told_of(folders).empty());
    CHECK(told_of("/home").find("the root file system /srv/agent-rootfs lies in no folder that this host allows (config.yaml:3:17) | allowed: /home; ") != std::string::npos);
}

TEST_CASE("volumes and capabilities are those that the host allows") {
    auto manifest = sample_with_volume();
    manifest.places["/spec/bundle/containers/0/volumes/0/name"] = {"bottle.yaml", 21, 5};
    manifest.places["/spec/bundle/containers/0"] = {"bottle.yaml", 12, 9};
    CHECK(told(manifest, "allow: {volumes: [\"ca*\"], capabilities: [NET_BIND_SERVICE]}\n").empty());
    CHECK(told(manifest, "allow: {volumes: [], capabilities: [CHOWN, KILL]}\n") ==
          "21:5 volume cache is none that this host allows (config.yaml:3:18) | allowed: none; the host's owner can add to allow.volumes in config.yaml\n"
          "12:9 capability NET_BIND_SERVICE is none that this host allows (config.yaml:3:36) | allowed: CHOWN, KILL; the host's owner can add to allow.capabilities in config.yaml\n");
}

TEST_CASE("sizes are at most what the host allows") {
    auto manifest = sample_manifest();
    manifest.places = {{"/spec/machine", {"bottle.yaml", 6, 5}}, {"/spec/machine/memory", {"bottle.yaml", 7, 13}}, {"/spec/bundle/containers/0", {"bottle.yaml", 12, 9}}};
    const std::string enough =
        "allow:\n  machine: {cpus: 2, memory: 4Gi, disk: {storage: 20Gi, overlay: 10Gi}}\n  containers: {cpus: 1, memory: 512Mi, pids: 256}\n";
    CHECK(told(manifest, enough).empty());
    CHECK(told(manifest, "allow:\n  machine: {cpus: 1, memory: 4095Mi, disk: {storage: 19Gi, overlay: 9Gi}}\n  containers: {cpus: 0.5, memory: 511Mi, pids: 255}\n") ==
          "6:5 the default of cpus 2 is more than this host allows: 1 (config.yaml:4:19) | write cpus: 1\n"
          "7:13 memory 4Gi is more than this host allows: 4095Mi (config.yaml:4:30) | write memory: 4095Mi\n"
          "6:5 the default of storage 20Gi is more than this host allows: 19Gi (config.yaml:4:54) | write storage: 19Gi\n"
          "6:5 the default of overlay 10Gi is more than this host allows: 9Gi (config.yaml:4:69) | write overlay: 9Gi\n"
          "12:9 the default of memory 512Mi is more than this host allows: 511Mi (config.yaml:5:35) | write memory: 511Mi\n"
          "12:9 the default of cpus 1 is more than this host allows: 0.5 (config.yaml:5:22) | write cpus: 0.5\n"
          "12:9 the default of pids 256 is more than this host allows: 255 (config.yaml:5:48) | write pids: 255\n");
}

TEST_CASE("pools are private subnets with room, and apart") {
    const auto told_of = [](const std::string& internal, const std::string& external) {
        std::string all;
        for (const auto& problem : pool_problems(policy_of(fmt::format("pools:\n  internal: {}\n  external: {}\n", internal, external)).pools)) all += fmt::format("{} {}\n", problem.place->line, problem.text);
        return all;
    };
    CHECK(pool_problems(policy_of("").pools).empty());
    CHECK(told_of("10.0.0.0/8", "172.16.0.0/29").empty());
    CHECK(told_of("192.168.7.0/24", "100.64.0.0/10").empty());
    CHECK(told_of("10.1.0.0/30", "10.2.0.1/16") == "4 10.1.0.0/30 has no room for a network, which is a /29\n5 10.2.0.1/16 is no subnet in plain form\n");
    CHECK(told_of("8.8.8.0/24", "10.0.0.0/7") == "4 8.8.8.0/24 is no private subnet: its addresses are somebody else's\n5 10.0.0.0/7 is no private subnet: its addresses are somebody else's\n");
    CHECK(told_of("172.32.0.0/16", "0.0.0.0/0") ==
          "4 172.32.0.0/16 is no private subnet: its addresses are somebody else's\n5 0.0.0.0/0 is no private subnet: its addresses are somebody else's\n");
    CHECK(told_of("10.1.0.0/16", "10.1.2.0/24") == "5 10.1.2.0/24 overlaps the other pool, 10.1.0.0/16\n");
    const auto pools = pools_of(policy_of("pools: {internal: 10.9.0.0/16}\n"));
    CHECK(pools.internal == "10.9.0.0/16");
    CHECK(pools.external == Pools().external);
}

TEST_CASE("golden: a manifest that asks for more than the host allows is refused as a wrong one") {
    const auto policy = policy_of("allow: {images: [\"web-*\"], machine: {memory: 2Gi}}\n");
    auto manifest = sample_manifest();
    manifest.places["/spec/machine/memory"] = {"bottle.yaml", 7, 13};
    auto world = empty_world();
    const auto plan = plan_with(world, manifest, policy);
    check_golden("plans/beyond-the-host-policy.plan", to_text(plan));
    CHECK(exit_of_diff(plan) == Exit::Usage);
    CHECK(plan.steps.empty());
    CHECK(exit_of_diff(plan_with(world, manifest, {})) == Exit::Failed);
}

TEST_CASE("what runs is no less stopped for a doubt where the host does not allow it any more") {
    const auto policy = policy_of("allow: {machine: {memory: 2Gi}}\n");
    auto world = ready_world();
    const auto before = plan_with(world, sample_manifest(), policy);
    CHECK(before.steps.empty());
    CHECK(before.refused == Exit::Usage);
    world.add_foreign_container("curious", "bottle-docs-writer");
    const auto after = plan_with(world, sample_manifest(), policy);
    REQUIRE(after.steps.size() == 1);
    CHECK(std::holds_alternative<StopMachine>(after.steps.front().action));
    const auto snapshot = world.observe(scope_of(world, sample_manifest()));
    const auto desired = desire(sample_manifest(), policy, *world.stored.allocation, snapshot, test_digest());
    CHECK(condition(conditions(desired, snapshot), "Accepted").reason == "NotAllowed");
    CHECK(condition(conditions(desired, snapshot), "Ready").status == "False");
}
