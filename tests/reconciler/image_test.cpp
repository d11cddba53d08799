#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <vector>

// A machine's root file system from an image of Docker's, an archive or a pack: always a copy of the bottle's own.
using namespace bottle;
using namespace bottle::model;

namespace {

constexpr const char* kAgent = "agent:1";

Image agent_image(char digit) {
    Image image;
    image.id = "sha256:" + std::string(64, digit);
    return image;
}

Manifest made_of(const std::string& kind) {
    auto manifest = sample_manifest();
    manifest.machine.rootfs.clear();
    manifest.machine.image_place = {"bottle.yaml", 6, 21};
    if (kind == "docker") manifest.machine.docker = kAgent;
    if (kind == "archive") manifest.machine.archive = "/srv/agent.tar";
    if (kind == "pack") manifest.machine.pack = "/srv/agent.smolmachine";
    return manifest;
}

ModelWorld world_with_image() {
    auto world = empty_world();
    world.add_image(kAgent, agent_image('a'));
    return world;
}

ModelWorld users_world_with_image() {
    auto world = world_with_image();
    world.host.euid = 1500;
    world.host.state_folder = "/home/sam/.local/state/bottle";
    return world;
}

ModelWorld ready(const Manifest& manifest, ModelWorld world = world_with_image()) {
    REQUIRE(apply(world, manifest).exit == Exit::Ok);
    CHECK(world.violations.empty());
    return world;
}

std::string plan_text(ModelWorld& world, const Manifest& manifest) {
    return to_text(look_and_plan(world, manifest).plan);
}

std::string row_image(const ModelWorld& world) {
    return nlohmann::json::parse(world.row->data)["image"];
}

bool has_act(const ModelWorld& world, const std::string& word) {
    return std::any_of(world.acts.begin(), world.acts.end(), [&](const std::string& act) { return act.rfind(word, 0) == 0; });
}

constexpr const char* kNothing = "bottle docs-writer  (bottle.yaml:3): nothing to do\n";

}  // namespace

TEST_CASE("golden: the first apply, by what the image is made of") {
    for (const auto* kind : {"docker", "archive", "pack"}) {
        auto world = world_with_image();
        check_golden(std::string("plans/image-") + kind + "-first-apply.plan", plan_text(world, made_of(kind)));
    }
    auto world = users_world_with_image();
    check_golden("plans/image-docker-first-apply-as-user.plan", plan_text(world, made_of("docker")));
}

TEST_CASE("golden: what stands in the way of an image") {
    auto world = world_with_image();
    SECTION("Docker does not have it") {
        world.images.erase(kAgent);
        check_golden("plans/image-docker-missing.plan", plan_text(world, made_of("docker")));
    }
    SECTION("Docker is down") {
        world.docker_down = "Docker does not listen at /var/run/docker.sock";
        check_golden("plans/image-docker-down.plan", plan_text(world, made_of("docker")));
    }
    SECTION("the file is gone") {
        world.source_id.reset();
        check_golden("plans/image-archive-gone.plan", plan_text(world, made_of("archive")));
    }
    SECTION("the host policy allows neither that repository, nor that folder") {
        world.policy.allow.images = Stated<std::vector<std::string>>{{"bottle-*"}, {"/etc/bottle/config.yaml", 4, 13}};
        world.policy.allow.rootfs = Stated<std::vector<std::string>>{{"/home"}, {"/etc/bottle/config.yaml", 5, 13}};
        check_golden("plans/image-docker-not-allowed.plan", plan_text(world, made_of("docker")));
        check_golden("plans/image-archive-not-allowed.plan", plan_text(world, made_of("archive")));
        check_golden("plans/image-pack-not-allowed.plan", plan_text(world, made_of("pack")));
    }
}

TEST_CASE("golden: an image that became another one beneath a running machine") {
    SECTION("a tag that moved") {
        auto world = ready(made_of("docker"));
        world.add_image(kAgent, agent_image('b'));
        check_golden("plans/image-docker-moved.plan", plan_text(world, made_of("docker")));
    }
    SECTION("a file with other content") {
        auto world = ready(made_of("archive"));
        world.source_id = "sha256:" + std::string(64, 'c');
        check_golden("plans/image-archive-changed.plan", plan_text(world, made_of("archive")));
    }
    SECTION("another manifest") {
        auto world = ready(made_of("docker"));
        check_golden("plans/image-docker-to-archive.plan", plan_text(world, made_of("archive")));
    }
    SECTION("a folder, as root: the row names it") {
        auto world = ready(made_of("docker"));
        check_golden("plans/image-docker-to-rootfs.plan", plan_text(world, sample_manifest()));
    }
}

TEST_CASE("each of them becomes Ready on its own copy, a second apply does nothing, and a change costs one restart") {
    for (const auto* kind : {"docker", "archive", "pack"}) {
        INFO(kind);
        const auto manifest = made_of(kind);
        auto world = ready(manifest);
        CHECK(row_image(world) == "local-dir:" + world.host.state_folder + "/images/docs-writer/rootfs");
        const auto id = std::string(kind) == "docker" ? agent_image('a').id : *world.source_id;
        CHECK(world.image_copy->source_listing == id);
        CHECK(plan_text(world, manifest) == kNothing);
        world.acts.clear();
        CHECK(apply(world, manifest).exit == Exit::Ok);
        CHECK(world.acts.empty());

        world.add_image(kAgent, agent_image('b'));
        world.source_id = agent_image('b').id;
        CHECK(apply(world, manifest).exit == Exit::Ok);
        CHECK(world.image_copy->source_listing == agent_image('b').id);
        CHECK(has_act(world, "image"));
        CHECK(world.violations.empty());
        CHECK(plan_text(world, manifest) == kNothing);

        // A machine that died is started on the copy that stands.
        world.acts.clear();
        world.kill_vmm();
        CHECK(apply(world, manifest).exit == Exit::Ok);
        CHECK_FALSE(has_act(world, "image"));
    }
}

TEST_CASE("another name for the same image copies nothing") {
    auto manifest = made_of("docker");
    auto world = ready(manifest);
    world.add_image("agent:latest", agent_image('a'));
    manifest.machine.docker = "agent:latest";
    CHECK(plan_text(world, manifest) == kNothing);
}

TEST_CASE("a running machine outlives its image, and is not started without it") {
    auto world = ready(made_of("docker"));
    world.images.erase(kAgent);
    const auto plan = look_and_plan(world, made_of("docker")).plan;
    CHECK(plan.steps.empty());
    REQUIRE(plan.refusals.size() == 1);
    CHECK(world.live);
    world.kill_vmm();
    CHECK(look_and_plan(world, made_of("docker")).plan.steps.empty());
}

TEST_CASE("a copy that was changed is made anew before a start, and never beneath a running machine") {
    const std::vector<std::function<void(ModelWorld&)>> changes = {
        [](ModelWorld& w) { w.image_listing = "by a guest that broke out"; },
        [](ModelWorld& w) { w.image_copy.reset(); },
    };
    for (const auto* kind : {"docker", "archive", "pack"}) {
        for (const auto& change : changes) {
            const auto manifest = made_of(kind);
            auto world = ready(manifest);
            change(world);
            CHECK(plan_text(world, manifest) == kNothing);
            world.kill_vmm();
            const auto plan = look_and_plan(world, manifest).plan;
            REQUIRE_FALSE(plan.steps.empty());
            CHECK(std::holds_alternative<CopyImage>(plan.steps.front().action));
            CHECK(apply(world, manifest).exit == Exit::Ok);
            CHECK(world.violations.empty());
        }
    }
}

TEST_CASE("what cannot be read of an image stops no machine, and starts none") {
    const auto manifest = made_of("archive");
    auto world = ready(manifest);
    const auto plan = [&] {
        auto snapshot = world.observe(scope_of(world, manifest));
        snapshot.machine.image_copy = Unknown{"broken"};
        snapshot.machine.source_id = Unknown{"denied"};
        return plan_apply(desire(manifest, {}, *world.stored.allocation, snapshot, test_digest()), snapshot, {});
    };
    CHECK(plan().empty());
    world.kill_vmm();
    CHECK(plan().steps.empty());
    CHECK(plan().refusals.size() == 1);
}

TEST_CASE("of an image of Docker's no file is asked for") {
    auto world = world_with_image();
    world.source_id.reset();
    CHECK(look_and_plan(world, made_of("docker")).plan.refusals.empty());
    CHECK_FALSE(look_and_plan(world, made_of("archive")).plan.refusals.empty());
}

TEST_CASE("what the copy is made of is part of the step, and for whom") {
    auto world = world_with_image();
    for (const auto& step : look_and_plan(world, made_of("docker")).plan.steps) {
        const auto* copy = std::get_if<CopyImage>(&step.action);
        if (copy == nullptr) continue;
        CHECK(copy->source == ImageSource{ImageSource::Kind::Docker, kAgent, agent_image('a').id});
        CHECK(copy->vmm_uid == world.stored.allocation.value_or(Allocation{"", "", 2'900'000}).vmm_uid);
    }
}
