#include "reconciler/plan_machine.h"
#include "reconciler/report.h"
#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

// Why a machine that lives is stopped, each reason asked for itself; and what the plan and the conditions make of it.
using namespace bottle;
using namespace bottle::model;

namespace {

std::string reason(const Look& look, const PlanOptions& options = {}, const std::vector<Change>& changes = {}) {
    return reason_to_stop(look.desired, look.snapshot, changes, options);
}

PlanOptions own_start(Look& look) {
    PlanOptions options;
    options.own_start = {look.vmm().pid, look.vmm().start_time};
    return options;
}

/// A boot that is not proved yet, and not sealed.
Look unproved() {
    auto look = ready_look();
    look.snapshot.stored.value().proof.reset();
    look.machine().live_channels = std::set<std::string>{"egress.sock"};
    return look;
}

void check(const std::vector<LookCase>& cases) {
    for (const auto& one : cases) {
        auto look = ready_look();
        one.change(look);
        CHECK(reason(look) == one.says);
    }
}

bool stops(const Plan& plan) {
    return !plan.steps.empty() && std::holds_alternative<StopMachine>(plan.steps.front().action);
}

Condition condition_of(const Look& look, const char* type) {
    return condition(conditions(look.desired, look.snapshot), type);
}

void kill(Look& look) {
    look.machine().processes = std::vector<VmmProcess>{};
}

}  // namespace

TEST_CASE("decision: a Ready machine is not stopped, and each doubt stops it by its own words") {
    check({{"", [](Look&) {}},
           {"it cannot be told whether it runs", [](Look& l) { l.machine().processes = Unknown{"denied"}; }},
           {"it cannot be told whether it runs", [](Look& l) { l.machine().processes = Absent{}; }},
           {"Docker could not be read: refused", [](Look& l) { l.snapshot.docker = Unknown{"refused"}; }},
           {"Docker could not be read: it is not there", [](Look& l) { l.snapshot.docker = Absent{}; }},
           {"our own records could not be read", [](Look& l) { l.snapshot.stored = Unknown{"broken"}; }},
           {"process: 0 processes run this machine, not one", kill},
           {"row: the row is TEXT: smolvm cannot read it again", [](Look& l) { l.machine().row.value().is_blob = false; }},
           {"it runs unproved: guest: no proof of this boot", [](Look& l) { l.snapshot.stored.value().proof.reset(); }},
           {"the workload's state could not be read: denied", [](Look& l) { l.snapshot.workload = Unknown{"denied"}; }},
           {"who held the agent's command died: it may still run, unwatched", [](Look& l) { l.snapshot.workload.value().state = WorkloadLost{}; }},
           {"the manifest names no command any more", [](Look& l) { l.desired.workload.reset(); }},
           {"the agent's command, user or environment changed", [](Look& l) { l.desired.workload_digest = "other"; }},
           {"", [](Look& l) { l.snapshot.workload = Absent{}; }},
           {"",
            [](Look& l) {
                l.desired.workload.reset();
                l.snapshot.workload = Absent{};
            }}});
}

TEST_CASE("decision: a guest evidence that fails stops even a start of our own") {
    auto look = ready_look();
    auto& item = look.proof().evidence.front();
    item.verdict = Verdict::Fails;
    item.reading = "the guest got a connection";
    CHECK(reason(look) == "guest: the guest got a connection");
    CHECK(reason(look, own_start(look)) == "guest: the guest got a connection");
}

TEST_CASE("decision: infra or a network that is made anew stops the machine") {
    Change change;
    change.what = Change::What::Differs;
    change.kind = "network";
    CHECK(reason(ready_look(), {}, {change}) == "its bundle's infra or network has to be made anew");
}

TEST_CASE("decision: only the very process of our own start may run unproved, and without another doubt") {
    auto look = unproved();
    const auto own = own_start(look);
    CHECK(reason(look, own).empty());
    auto options = own;
    options.own_start->first += 1;
    CHECK_FALSE(reason(look, options).empty());
    options = own;
    options.own_start->second += 1;
    CHECK_FALSE(reason(look, options).empty());
    CHECK_FALSE(reason(look).empty());

    SECTION("another doubt of an unsealed boot") {
        look.vmm().uid = 0;
        CHECK(reason(look, own).find("process: it runs as uid 0") == 0);
    }
    SECTION("no process any more") {
        kill(look);
        CHECK(reason(look, own) == "process: 0 processes run this machine, not one");
    }
    SECTION("sealed, with another configuration than was asked for") {
        look.machine().live_channels = std::set<std::string>{};
        CHECK(reason(look, own).empty());
        look.machine().running_config = std::string("{");
        CHECK(reason(look, own).find("config: ") == 0);
    }
    SECTION("it cannot be told whether it is sealed") {
        look.machine().live_channels = Unknown{"denied"};
        CHECK(reason(look, own).find("config: ") == 0);
    }
    SECTION("sealed, and started by somebody else") {
        look.machine().live_channels = std::set<std::string>{};
        CHECK(reason(look) == "it runs unproved: guest: no proof of this boot");
        CHECK(reason(look, options) == "it runs unproved: guest: no proof of this boot");
    }
}

TEST_CASE("decision: a start of our own that is proved is looked at like any other") {
    auto look = ready_look();
    look.snapshot.workload.value().state = WorkloadLost{};
    CHECK(reason(look, own_start(look)) == "who held the agent's command died: it may still run, unwatched");
}

TEST_CASE("decision: what cannot be seen is refused, each by its name, and stops what may live") {
    const LookCase cases[] = {
        {"Docker could not be read: denied", [](Look& l) { l.snapshot.docker = Unknown{"denied"}; }},
        {"bottle's own state could not be read: denied", [](Look& l) { l.snapshot.stored = Unknown{"denied"}; }},
        {"smolvm's database could not be read: denied", [](Look& l) { l.machine().row = Unknown{"denied"}; }},
        {"the VM folder could not be read: denied", [](Look& l) { l.machine().vm_folder = Unknown{"denied"}; }},
        {"the claim of the VMM's uid could not be read: denied", [](Look& l) { l.machine().uid_claim = Unknown{"denied"}; }},
        {"the list of processes could not be read: denied", [](Look& l) { l.machine().processes = Unknown{"denied"}; }},
        {"the VM folder's lock could not be read: denied", [](Look& l) { l.machine().lock_held = Unknown{"denied"}; }},
        {"the workload's state could not be read: denied", [](Look& l) { l.snapshot.workload = Unknown{"denied"}; }},
    };
    for (const auto& one : cases) {
        INFO(one.says);
        auto look = ready_look();
        // A row that only a human can repair is a refusal more, where the plan gets as far as the row.
        if (look.machine().processes.present()) look.change_row([](auto& row) { row["mounts"] = "tampered"; });
        one.change(look);
        const auto plan = plan_apply(look.desired, look.snapshot, {});
        CHECK(stops(plan));
        CHECK(plan.steps.size() == 1);
        REQUIRE_FALSE(plan.refusals.empty());
        CHECK(plan.refusals.front().text == one.says);
        const bool unreadable = !look.snapshot.stored.present() || look.machine().row.unknown() || !look.machine().processes.present();
        CHECK(plan.refusals.size() == (unreadable ? 1u : 2u));
    }
}

TEST_CASE("decision: a stop costs a restart only where the agent works") {
    const auto cost = [](const std::function<void(Look&)>& change) {
        auto look = ready_look();
        look.machine().row.value().is_blob = false;
        change(look);
        const auto plan = plan_apply(look.desired, look.snapshot, {});
        REQUIRE(stops(plan));
        return plan.steps.front().cost;
    };
    CHECK(cost([](Look&) {}) == Cost::Restart);
    CHECK(cost([](Look& l) { l.snapshot.workload.value().state = WorkloadExited{0}; }) == Cost::Nothing);
    CHECK(cost([](Look& l) { l.snapshot.workload = Absent{}; }) == Cost::Nothing);
    CHECK(cost([](Look& l) { l.snapshot.workload = Unknown{"denied"}; }) == Cost::Nothing);
}

TEST_CASE("decision: a machine that is dead is not stopped, and one that somebody else could hold is") {
    auto look = ready_look();
    kill(look);
    CHECK_FALSE(stops(plan_apply(look.desired, look.snapshot, {})));
    look.machine().lock_held = true;
    CHECK(stops(plan_apply(look.desired, look.snapshot, {})));

    auto shared = ready_look();
    kill(shared);
    shared.snapshot.host.carriers = {{"10.231.0.0/29", "br-twin"}};
    const auto plan = plan_apply(shared.desired, shared.snapshot, {});
    CHECK(plan.steps.empty());
    CHECK(plan.refusals.size() == 1);
    auto problem = ready_look();
    problem.desired.problems.push_back({std::nullopt, "no image", "", ""});
    CHECK(plan_apply(problem.desired, problem.snapshot, {}).refusals.size() == 1);
}

TEST_CASE("decision: Confined and Ready say what the evidence says") {
    auto look = ready_look();
    CHECK(condition_of(look, "Confined").status == "True");
    CHECK(condition_of(look, "Ready") == Condition{"Ready", "True", "AllHold", ""});
    CHECK(condition_of(look, "MachineReady").status == "True");
    SECTION("the agent's command ended well") {
        look.snapshot.workload.value().state = WorkloadExited{0};
        CHECK(condition_of(look, "Ready").status == "True");
    }
    SECTION("the agent's command failed") {
        look.snapshot.workload.value().state = WorkloadExited{7};
        CHECK(condition_of(look, "Ready") == Condition{"Ready", "False", "WorkloadRunningFailed", "exited with 7"});
    }
    SECTION("an evidence fails") {
        look.machine().row.value().is_blob = false;
        const auto confined = condition_of(look, "Confined");
        CHECK(confined == Condition{"Confined", "False", "EvidenceFails", "row: the row is TEXT: smolvm cannot read it again"});
        CHECK(condition_of(look, "Ready") == Condition{"Ready", "False", "ConfinedEvidenceFails", confined.message});
    }
    SECTION("an evidence is unknown") {
        look.snapshot.stored.value().proof.reset();
        CHECK(condition_of(look, "Confined") == Condition{"Confined", "Unknown", "NotProved", "guest: no proof of this boot"});
        CHECK(condition_of(look, "Ready").status == "Unknown");
    }
    SECTION("no machine runs") {
        kill(look);
        CHECK(condition_of(look, "Confined") == Condition{"Confined", "False", "NotRunning", "no machine runs"});
        CHECK(condition_of(look, "MachineReady") == Condition{"MachineReady", "False", "Stopped", "it does not run"});
        look.machine().row = Absent{};
        CHECK(condition_of(look, "MachineReady") == Condition{"MachineReady", "False", "Absent", "there is no machine yet"});
    }
    SECTION("it cannot be told whether it runs") {
        look.machine().processes = Unknown{"denied"};
        CHECK(condition_of(look, "MachineReady").status == "Unknown");
        CHECK(condition_of(look, "Confined").status == "Unknown");
    }
}
