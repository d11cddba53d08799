#include "reconciler/allocate.h"
#include "reconciler/proof.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

// bottle as another user than root: no uid for the VMM but the user's, which may not even look into it, and so an image
// of its own.
using namespace bottle;
using namespace bottle::model;

namespace {

constexpr std::int64_t kUser = 1500;

ModelWorld users_world() {
    auto world = empty_world();
    world.host.euid = kUser;
    world.host.state_folder = "/home/sam/.local/state/bottle";
    return world;
}

ModelWorld users_ready_world() {
    auto world = users_world();
    REQUIRE(apply(world, sample_manifest()).exit == Exit::Ok);
    return world;
}

std::string plan_text(ModelWorld& world) {
    return to_text(look_and_plan(world, sample_manifest()).plan);
}

bool has_act(const ModelWorld& world, const std::string& word) {
    return std::any_of(world.acts.begin(), world.acts.end(),
                       [&](const std::string& act) { return act.rfind(word, 0) == 0; });
}

Evidence process_evidence(ModelWorld& world) {
    const auto snapshot = world.observe(scope_of(world, sample_manifest()));
    const auto desired = desire(sample_manifest(), {}, *world.stored.allocation, snapshot, test_digest());
    for (const auto& item : all_evidence(desired, snapshot, {})) {
        if (item.kind == EvidenceKind::Process) return item;
    }
    return {};
}

}  // namespace

TEST_CASE("golden: the first apply as a user") {
    auto world = users_world();
    check_golden("plans/first-apply-as-user.plan", plan_text(world));
}

TEST_CASE("as a user a bottle becomes Ready, with no uid held and none claimed") {
    auto world = users_ready_world();
    CHECK(world.violations.empty());
    CHECK(world.stored.allocation == Allocation{"10.231.0.0/29", "10.232.0.0/29", 0});
    CHECK_FALSE(has_act(world, "claim"));
    CHECK(world.live->uid == kUser);
    CHECK(nlohmann::json::parse(world.row->data)["image"] ==
          "local-dir:/home/sam/.local/state/bottle/bottles/docs-writer/image");
    CHECK(look_and_plan(world, sample_manifest()).plan.empty());
    const auto acts = world.acts.size();
    CHECK(apply(world, sample_manifest()).exit == Exit::Ok);
    CHECK(world.acts.size() == acts);

    world.stored.other_allocations["other"] = *world.stored.allocation;
    world.stored.allocation.reset();
    world.networks.clear();
    const auto chosen = allocate(sample_manifest(), {}, world.observe(scope_of(world, sample_manifest())));
    CHECK(std::get<Allocation>(chosen) == Allocation{"10.231.0.8/29", "10.232.0.8/29", 0});
}

TEST_CASE("as root the image is the manifest's own, and no copy is made") {
    auto world = ready_world();
    CHECK_FALSE(has_act(world, "image"));
    CHECK(nlohmann::json::parse(world.row->data)["image"] == "local-dir:/srv/agent-rootfs");
}

TEST_CASE("as a user, the process evidence says what it rests on") {
    auto world = users_ready_world();
    const auto evidence = process_evidence(world);
    CHECK(evidence.verdict == Verdict::Holds);
    CHECK(evidence.reading == "process " + std::to_string(world.live->pid) +
                                  " of our own start, uid 1500, the user's own: behind the VM stands no other wall; "
                                  "made by the verified smolvm, whose files are as they were "
                                  "(only root can look into the process itself)");
    SECTION("another uid") {
        world.live->uid = 0;
    }
    SECTION("another boot") {
        world.live->start_time += 1;
    }
    SECTION("the start is not recorded") {
        world.stored.start.reset();
    }
    SECTION("smolvm rewritten") {
        world.smolvm_files.front().ctime_ns += 1;
    }
    SECTION("libkrun exchanged") {
        world.smolvm_files.back().inode += 1;
    }
    SECTION("a file less") {
        world.smolvm_files.pop_back();
    }
    CHECK(process_evidence(world).verdict == Verdict::Fails);
    const auto plan = look_and_plan(world, sample_manifest()).plan;
    REQUIRE_FALSE(plan.steps.empty());
    CHECK(std::holds_alternative<StopMachine>(plan.steps.front().action));
}

TEST_CASE("as root, a VMM that cannot be looked into is no evidence") {
    auto world = ready_world();
    auto snapshot = world.observe(scope_of(world, sample_manifest()));
    auto& vmm = snapshot.machine.processes.value().front();
    vmm = {vmm.pid, vmm.start_time, vmm.uid, {}, {}, {}, "only root may look into it"};
    const auto desired = desire(sample_manifest(), {}, *world.stored.allocation, snapshot, test_digest());
    CHECK(judge(desired.required, all_evidence(desired, snapshot, {})) == Verdict::Fails);
}

TEST_CASE("the copy of the image is made anew before a start, and never beneath a running machine") {
    auto world = users_ready_world();
    SECTION("the folder changed") {
        world.source_listing = "source 2";
    }
    SECTION("the copy was changed") {
        world.image_listing = "by a guest that broke out";
    }
    SECTION("the copy is of another folder") {
        world.image_copy->source = "/srv/other";
    }
    SECTION("no copy is whole") {
        world.image_copy.reset();
    }
    CHECK(plan_text(world) == "bottle docs-writer  (bottle.yaml:3): nothing to do\n");
    world.kill_vmm();
    const auto plan = look_and_plan(world, sample_manifest()).plan;
    REQUIRE_FALSE(plan.steps.empty());
    CHECK(std::holds_alternative<CopyImage>(plan.steps.front().action));
    CHECK(apply(world, sample_manifest()).exit == Exit::Ok);
    CHECK(world.image_copy ==
          ImageCopy{"/srv/agent-rootfs", *world.source_listing, "copy of " + *world.source_listing});
    CHECK(world.violations.empty());
}

TEST_CASE("a copy that stands is not made again") {
    auto world = users_ready_world();
    world.acts.clear();
    world.kill_vmm();
    CHECK(apply(world, sample_manifest()).exit == Exit::Ok);
    CHECK_FALSE(has_act(world, "image"));
}

TEST_CASE("without a look at the image nothing is started") {
    auto world = users_world();
    auto snapshot = world.observe(scope_of(world, sample_manifest()));
    snapshot.machine.source_listing = Unknown{"permission denied"};
    const auto allocation = Allocation{"10.231.0.0/29", "10.232.0.0/29", 0};
    auto desired = desire(sample_manifest(), {}, allocation, snapshot, test_digest());
    CHECK(plan_apply(desired, snapshot, {}).steps.empty());
    snapshot.machine.source_listing = std::string("source 1");
    CHECK_FALSE(plan_apply(desired, snapshot, {}).steps.empty());
    snapshot.machine.image_copy = Unknown{"broken"};
    CHECK(plan_apply(desired, snapshot, {}).steps.empty());
    world.source_listing.reset();
    CHECK(plan_text(world).find("refused: there is no image /srv/agent-rootfs") != std::string::npos);
}
