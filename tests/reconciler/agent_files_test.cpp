#include "reconciler/agent_files.h"

#include "reconciler/generation.h"
#include "reconciler/report.h"
#include "reconciler/resource_documents.h"
#include "reconciler/saved_plan.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace bottle;
using namespace bottle::model;

namespace {

Plan plan_of(ModelWorld& world, const Manifest& manifest = sample_with_files(), const PlanOptions& options = {}) {
    return look_and_plan(world, manifest, options).plan;
}

std::string plan_text(ModelWorld& world, const Manifest& manifest = sample_with_files()) {
    return to_text(plan_of(world, manifest));
}

/// What the plan's one step brings into the guest, and what it removes there.
std::string brought(ModelWorld& world, const Manifest& manifest = sample_with_files()) {
    const auto plan = plan_of(world, manifest);
    REQUIRE(plan.steps.size() == 1);
    const auto& action = std::get<Provision>(plan.steps.front().action);
    CHECK_FALSE(action.gives_folders);
    std::string text;
    for (const auto& copy : action.copies) text += "+" + copy.target + " ";
    for (const auto& target : action.removed) text += "-" + target + " ";
    return text;
}

Condition provisioned(ModelWorld& world, const Manifest& manifest = sample_with_files()) {
    const auto planned = look_and_plan(world, manifest);
    return condition(conditions(planned.desired, world.observe(scope_of(world, manifest))), "Provisioned");
}

}  // namespace

TEST_CASE("golden: an agent's prompt and skills come into the guest before its command") {
    auto world = empty_world();
    add_agent_files(world);
    check_golden("plans/files-first-apply.plan", plan_text(world));
    CHECK(apply(world, sample_with_files()).exit == Exit::Ok);
    CHECK(world.stored.copied == std::map<std::string, std::string>{{"/etc/bottle/prompt.md", "prompt 1"}, {"~/.claude/skills/review", "review 1"}, {"~/.claude/skills/lint", "lint 1"}});
    CHECK(plan_of(world).empty());
    CHECK(provisioned(world).status == "True");
    // A machine that starts again has what was there, and is not asked whether it still has.
    world.kill_vmm();
    check_golden("plans/files-machine-died.plan", plan_text(world));
}

TEST_CASE("golden: a prompt or a skill that changed is copied into the guest that runs, and its command goes on") {
    auto world = ready_world(sample_with_files());
    auto manifest = sample_with_files();
    SECTION("the prompt") {
        world.agent_files["/srv/docs/prompt.md"] = std::string("prompt 2");
        check_golden("plans/files-prompt-changed.plan", plan_text(world));
        CHECK(brought(world) == "+/etc/bottle/prompt.md ");
        CHECK(provisioned(world).reason == "Outdated");
        CHECK(provisioned(world).message == "prompt.md changed since it was copied");
    }
    SECTION("a skill, and one more") {
        world.agent_files["/srv/docs/skills/lint"] = std::string("lint 2");
        world.agent_files["/srv/docs/skills/notes"] = std::string("notes 1");
        manifest.agent.skills.push_back({"notes", "/srv/docs", "skills/notes", {}});
        check_golden("plans/files-skills-changed.plan", plan_text(world, manifest));
        CHECK(brought(world, manifest) == "+~/.claude/skills/lint +~/.claude/skills/notes ");
    }
    SECTION("a skill that is not wanted any more") {
        manifest.agent.skills.pop_back();
        check_golden("plans/files-skill-removed.plan", plan_text(world, manifest));
        CHECK(brought(world, manifest) == "-~/.claude/skills/lint ");
    }
    SECTION("a paused machine goes on first") {
        world.agent_files["/srv/docs/prompt.md"] = std::string("prompt 2");
        world.live->paused = true;
        const auto plan = plan_of(world);
        REQUIRE(plan.steps.size() == 2);
        CHECK(plan.steps[0].kind == "resume");
        CHECK(plan.steps[1].kind == "provision");
    }
    const auto pid = world.live->pid;
    CHECK(apply(world, manifest).exit == Exit::Ok);
    CHECK(plan_of(world, manifest).empty());
    CHECK(world.live->pid == pid);
    CHECK(std::holds_alternative<WorkloadRunning>(world.workload->state));
}

TEST_CASE("golden: a prompt or a skill that cannot be read is refused, and is no reason to stop") {
    auto world = ready_world(sample_with_files());
    world.agent_files["/srv/docs/prompt.md"] = Absent{};
    world.agent_files["/srv/docs/skills/lint"] = Unknown{"./skills/lint has no SKILL.md"};
    check_golden("plans/files-unreadable.plan", plan_text(world));
    CHECK(exit_of_diff(plan_of(world)) == Exit::Precondition);
    CHECK(plan_of(world).steps.empty());
    CHECK(provisioned(world).status == "True");
    world.kill_vmm();
    CHECK(exit_of_diff(plan_of(world)) == Exit::Precondition);
}

TEST_CASE("what is not wanted any more goes at the next boot, too, in a step that is shown") {
    auto world = ready_world(sample_with_files());
    auto manifest = sample_with_files();
    manifest.agent.prompt.reset();
    manifest.agent.skills.clear();
    world.kill_vmm();
    const auto plan = plan_of(world, manifest);
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& one) { return one.kind == "provision"; });
    REQUIRE(step != plan.steps.end());
    CHECK(step->symbol == '+');
    CHECK(step->part_of.empty());
    CHECK(std::get<Provision>(step->action).copies.empty());
    CHECK(std::get<Provision>(step->action).removed.size() == 3);
}

TEST_CASE("another provider is another command, and its places are others: what was in the old ones goes") {
    auto world = ready_world(sample_with_files());
    auto manifest = sample_with_files();
    manifest.agent.provider = Provider::Codex;
    manifest.agent.command = default_command(Provider::Codex, true);
    check_golden("plans/files-other-provider.plan", plan_text(world, manifest));
    CHECK(apply(world, manifest).exit == Exit::Ok);
    CHECK(world.stored.copied == std::map<std::string, std::string>{{"~/.codex/AGENTS.md", "prompt 1"}, {"~/.agents/skills/review", "review 1"}, {"~/.agents/skills/lint", "lint 1"}});
    // And without any, nothing is left.
    CHECK(apply(world, sample_manifest()).exit == Exit::Ok);
    CHECK(world.stored.copied.empty());
    CHECK(plan_of(world, sample_manifest()).empty());
}

TEST_CASE("run, which launches the command itself, finds the files in the guest") {
    auto world = empty_world();
    add_agent_files(world);
    PlanOptions options;
    options.hold_launch = true;
    CHECK(plan_of(world, sample_with_files(), options).steps.back().kind == "provision");
}

TEST_CASE("a changed file is another generation, and a moved plan that names it") {
    auto world = ready_world(sample_with_files());
    const auto manifest = sample_with_files();
    const auto look = [&] { return look_and_plan(world, manifest); };
    const auto saved = [&] {
        const auto planned = look();
        return save_bottle(manifest, planned.desired, world.observe(scope_of(world, manifest)), planned.plan, test_digest());
    };
    const auto generation = generation_text(look().desired);
    const auto plan = saved();
    CHECK(what_moved(plan, saved(), {}).empty());
    world.agent_files["/srv/docs/prompt.md"] = std::string("prompt 2");
    world.agent_files["/srv/docs/skills/lint"] = std::string("lint 2");
    CHECK(generation_text(look().desired) != generation);
    std::string moved;
    for (const auto& problem : what_moved(plan, saved(), {})) moved += problem.text + "\n";
    CHECK(moved == "what is wanted moved: prompt.md changed\nwhat is wanted moved: skill lint changed\n");
}

TEST_CASE("-o diff: the files' digests, by their places in the guest") {
    auto world = ready_world(sample_with_files());
    const auto manifest = sample_with_files();
    const auto documents = [&] { return differing_documents(look_and_plan(world, manifest).desired, world.observe(scope_of(world, manifest))); };
    CHECK(documents().empty());
    world.agent_files["/srv/docs/prompt.md"] = std::string("prompt 2");
    REQUIRE(documents().size() == 1);
    CHECK(documents().front().name == "docs-writer.files.bottle-docs-writer");
    CHECK(documents().front().seen["/etc/bottle/prompt.md"] == "prompt 1");
    CHECK(documents().front().wanted["/etc/bottle/prompt.md"] == "prompt 2");
}
