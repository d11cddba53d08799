#include "reconciler/proof.h"
#include "reconciler/report.h"
#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

// A paused machine: what may be done with it, and that it is stopped like any other on a doubt.
using namespace bottle;
using namespace bottle::model;

namespace {

Look paused_look() {
    auto look = ready_look();
    look.machine().processes.value().front().paused = true;
    return look;
}

std::vector<std::string> ids(const Plan& plan) {
    std::vector<std::string> all;
    for (const auto& step : plan.steps) all.push_back(step.id);
    return all;
}

void kill(Look& look) {
    look.machine().processes = std::vector<VmmProcess>{};
}

using Ids = std::vector<std::string>;
using Planning = Plan (*)(const Desired&, const Snapshot&, const PlanOptions&);

}  // namespace

TEST_CASE("decision: a machine is paused only where exactly one process of it is seen to be") {
    auto look = paused_look();
    CHECK(is_paused(look.machine()));
    CHECK_FALSE(is_paused(ready_look().machine()));
    look.machine().processes.value().push_back(look.vmm());
    CHECK_FALSE(is_paused(look.machine()));
    look.machine().processes = Unknown{"denied"};
    CHECK_FALSE(is_paused(look.machine()));
}

TEST_CASE("decision: pause and resume are one step each, or none") {
    const auto runs = ready_look();
    const auto paused = paused_look();
    CHECK(ids(plan_pause(runs.desired, runs.snapshot, {})) == Ids{"pause bottle-docs-writer"});
    CHECK(plan_pause(paused.desired, paused.snapshot, {}).empty());
    CHECK(ids(plan_resume(paused.desired, paused.snapshot, {})) == Ids{"resume bottle-docs-writer"});
    CHECK(plan_resume(runs.desired, runs.snapshot, {}).empty());
    CHECK(plan_stop(runs.desired, runs.snapshot, {}).empty());
    CHECK(plan_stop(paused.desired, paused.snapshot, {}).empty());
}

TEST_CASE("decision: on a doubt nothing is paused or resumed, and the machine is stopped") {
    for (const bool paused : {false, true}) {
        auto look = paused ? paused_look() : ready_look();
        look.snapshot.stored.value().proof.reset();
        for (const auto plan : {Planning{plan_pause}, Planning{plan_resume}, Planning{plan_stop}, Planning{plan_apply}}) {
            const auto steps = ids(plan(look.desired, look.snapshot, {}));
            REQUIRE_FALSE(steps.empty());
            CHECK(steps.front() == "stop bottle-docs-writer");
        }
        CHECK(ids(plan_resume(look.desired, look.snapshot, {})).size() == 1);
    }
}

TEST_CASE("decision: where no machine runs, pause and resume are refused, and there is nothing to stop") {
    auto look = ready_look();
    kill(look);
    CHECK(plan_pause(look.desired, look.snapshot, {}).refusals.front().text == "no machine runs: there is nothing to pause");
    CHECK(plan_resume(look.desired, look.snapshot, {}).refusals.front().text == "no machine runs: there is nothing to resume");
    CHECK(plan_stop(look.desired, look.snapshot, {}).empty());
}

TEST_CASE("decision: apply lets a proved machine that is paused go on, before anything is done in its guest") {
    auto look = paused_look();
    CHECK(ids(plan_apply(look.desired, look.snapshot, {})) == Ids{"resume bottle-docs-writer"});
    look.snapshot.stored.value().provisioned.reset();
    look.snapshot.workload = Absent{};
    CHECK(ids(plan_apply(look.desired, look.snapshot, {})) == Ids{"resume bottle-docs-writer", "provision bottle-docs-writer", "launch claude"});
}

TEST_CASE("decision: the guest of a paused machine cannot be proved, and the plan says so") {
    PlanOptions verify;
    verify.prove_again = true;
    auto look = paused_look();
    CHECK(plan_apply(look.desired, look.snapshot, verify).steps.empty());
    CHECK(plan_apply(look.desired, look.snapshot, verify).refusals.front().hint == "bottle resume docs-writer");

    PlanOptions own;
    own.own_start = {look.vmm().pid, look.vmm().start_time};
    look.snapshot.stored.value().proof.reset();
    CHECK(plan_apply(look.desired, look.snapshot, own).steps.empty());
    CHECK_FALSE(plan_apply(look.desired, look.snapshot, own).refusals.empty());
}

TEST_CASE("decision: a paused machine is Confined, and not Ready") {
    const auto look = paused_look();
    const auto all = conditions(look.desired, look.snapshot);
    CHECK(condition(all, "Confined").status == "True");
    CHECK(condition(all, "MachineReady").reason == "Paused");
    CHECK(condition(all, "Ready").status == "False");
}

TEST_CASE("decision: a run launches the agent's command itself, and nothing else is left to do") {
    PlanOptions run;
    run.hold_launch = true;
    auto look = ready_look();
    look.snapshot.workload = Absent{};
    CHECK(plan_apply(look.desired, look.snapshot, run).empty());
    look.snapshot.stored.value().provisioned.reset();
    CHECK(ids(plan_apply(look.desired, look.snapshot, run)) == Ids{"provision bottle-docs-writer"});
    kill(look);
    const auto steps = plan_apply(look.desired, look.snapshot, run).steps;
    REQUIRE_FALSE(steps.empty());
    CHECK(steps.back().id == "provision bottle-docs-writer");
    CHECK(steps.back().part_of.empty());
    // The same look without a run launches.
    CHECK(plan_apply(look.desired, look.snapshot, {}).steps.back().id == "launch claude");
}

TEST_CASE("decision: a run does not launch again what ended with an error") {
    PlanOptions run;
    run.hold_launch = true;
    auto look = ready_look();
    look.snapshot.workload.value().state = WorkloadExited{1};
    CHECK(plan_apply(look.desired, look.snapshot, run).empty());
    CHECK(ids(plan_apply(look.desired, look.snapshot, {})) == Ids{"launch claude"});
}
