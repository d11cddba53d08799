#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

TEST_CASE("the steps of a first apply, each followed by a look") {
    auto world = empty_world();
    const auto result = apply(world, sample_with_volume());
    REQUIRE(result.exit == Exit::Ok);
    const std::vector<std::string> want = {"create network bottle-docs-writer",
                                           "create network bottle-docs-writer-external",
                                           "create volume bottle-docs-writer-cache",
                                           "import image bottle-pause:1",
                                           "create container bottle-docs-writer-infra",
                                           "connect bottle-docs-writer-external container bottle-docs-writer-infra",
                                           "start container bottle-docs-writer-infra",
                                           "create container bottle-docs-writer-egress",
                                           "start container bottle-docs-writer-egress",
                                           "claim bottle-docs-writer",
                                           "machine bottle-docs-writer",
                                           "allowlist bottle-docs-writer", "firewall bottle-docs-writer",
                                           "start bottle-docs-writer",
                                           "seal bottle-docs-writer",
                                           "prove bottle-docs-writer",
                                           "provision bottle-docs-writer",
                                           "launch claude"};
    CHECK(world.acts == want);
    CHECK(result.steps_done == want.size());
}

TEST_CASE("a proof that fails stops the machine, and is not tried again in the same run") {
    auto world = empty_world();
    class Opens : public Executor {
    public:
        explicit Opens(ModelWorld& world) : world_(world) {}
        Outcome execute(const Step& step, const Desired& desired, const Snapshot& snapshot) override {
            // Somebody widens the machine between start and seal, without a trace.
            if (std::holds_alternative<SealMachine>(step.action)) world_.open_live("0.0.0.0/0");
            return world_.execute(step, desired, snapshot);
        }

    private:
        ModelWorld& world_;
    } executor(world);
    const auto result = apply(world, sample_manifest(), executor);
    CHECK(result.exit == Exit::Failed);
    CHECK_FALSE(world.live);
    CHECK(std::count(world.acts.begin(), world.acts.end(), "prove bottle-docs-writer") == 1);
    CHECK(world.violations.empty());
    REQUIRE_FALSE(result.problems.empty());
    CHECK(result.problems.front().text.find("0.0.0.0/0") != std::string::npos);
}

TEST_CASE("a step that costs data is not done where it was not asked for, and everything before it is safe") {
    auto world = ready_world(sample_with_volume());
    const Planner planner = [](const Snapshot& snapshot, const PlanOptions&) {
        Planned planned;
        planned.desired.name = "docs-writer";
        planned.plan = plan_delete("docs-writer", snapshot);
        return planned;
    };
    ModelClock clock;
    Quiet quiet;
    Scope scope;
    scope.bottle = "docs-writer";
    scope.image_refs = {kPauseImage};
    const auto result = converge("docs-writer", scope, planner, world, world, clock, quiet, {});
    CHECK(result.exit == Exit::Precondition);
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems.front().text == "delete machine bottle-docs-writer with its disks: data would be lost");
    CHECK_FALSE(world.live);
    CHECK(world.row);
    CHECK(world.vm_folder);
    CHECK(world.volumes.size() == 1);
    CHECK(world.violations.empty());
}

TEST_CASE("a step that fails ends the run, and whatever lives without its proof is stopped") {
    for (const auto* kind : {"network", "container", "machine", "allowlist", "start", "seal", "prove", "provision", "launch"}) {
        INFO(kind);
        auto world = empty_world();
        world.failing_steps = {kind};
        const auto result = apply(world, sample_manifest());
        CHECK(result.exit == Exit::Failed);
        REQUIRE(result.problems.size() == 1);
        CHECK(result.problems.front().text.find("as this test asks") != std::string::npos);
        // After the proof a machine may live on: it is confined.
        CHECK(world.live.has_value() == (std::string(kind) == "provision" || std::string(kind) == "launch"));
        world.failing_steps.clear();
        CHECK(apply(world, sample_manifest()).exit == Exit::Ok);
    }
}

TEST_CASE("a step that says it is done and is not is given up, not repeated for ever") {
    for (const auto* kind : {"network", "container", "machine", "allowlist", "start", "prove", "launch"}) {
        INFO(kind);
        auto world = empty_world();
        world.lying_steps = {kind};
        const auto result = apply(world, sample_manifest());
        CHECK(result.exit == Exit::Failed);
        REQUIRE_FALSE(result.problems.empty());
        CHECK(world.violations.empty());
        CHECK(world.live.has_value() == (std::string(kind) == "launch"));
    }
}

TEST_CASE("a machine that cannot be stopped is told as UNSAFE") {
    auto world = ready_world();
    world.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; });
    world.failing_steps = {"stop"};
    const auto result = apply(world, sample_manifest());
    CHECK(result.exit == Exit::Unsafe);
    REQUIRE_FALSE(result.problems.empty());
    CHECK(result.problems.back().text.find("UNSAFE") == 0);
}

TEST_CASE("interrupted at any step: what runs is proved, and the next apply goes on") {
    for (int step = 0; step < 16; ++step) {
        INFO(step);
        auto world = empty_world();
        const auto manifest = sample_manifest();
        world.stored.allocation = Allocation{"10.231.0.0/29", "10.232.0.0/29", 2'900'000};
        const Planner planner = [&](const Snapshot& snapshot, const PlanOptions& options) {
            auto desired = desire(manifest, {}, *world.stored.allocation, snapshot, test_digest());
            auto plan = plan_apply(desired, snapshot, options);
            return Planned{std::move(desired), std::move(plan)};
        };
        ModelClock clock;
        clock.interrupt_at = step;
        Quiet quiet;
        const auto result = converge(manifest.name, scope_of(world, manifest), planner, world, world, clock, quiet, {});
        CHECK(result.exit == Exit::Interrupted);
        CHECK((!world.live || world.stored.proof));
        CHECK(apply(world, manifest).exit == Exit::Ok);
        CHECK(world.violations.empty());
    }
}

TEST_CASE("the waits between tries grow from a tenth of a second to five, with jitter") {
    CHECK(next_delay(0, 0).count() == 100);
    CHECK(next_delay(1, 0).count() == 200);
    CHECK(next_delay(1, 1).count() == 300);
    CHECK(next_delay(6, 0).count() == 5000);
    CHECK(next_delay(60, 0).count() == 5000);
    CHECK(next_delay(60, 1).count() == 7500);
}
