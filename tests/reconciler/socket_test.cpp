#include "reconciler/firewall.h"
#include "reconciler/report.h"
#include "tests/reconciler/socket_look.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

#include <algorithm>

// Mode socket: whole worlds, and what is planned in them.
using namespace bottle;
using namespace bottle::model;
using Json = nlohmann::ordered_json;

namespace {

std::string plan_text(ModelWorld& world, const Manifest& manifest = sample_with_socket()) {
    return to_text(look_and_plan(world, manifest).plan);
}

bool starts_with_stop(const Plan& plan) {
    return !plan.steps.empty() && std::holds_alternative<StopMachine>(plan.steps.front().action);
}

void publish(ModelWorld& world, Json sockets) {
    world.change_row([&](Json& row) { row["published_sockets"] = std::move(sockets); });
}

struct GoldenCase {
    const char* file;
    void (*change)(ModelWorld&);
};

const GoldenCase kGolden[] = {
    {"socket-nothing-to-do.plan", [](ModelWorld&) {}},
    {"socket-other-path.plan", [](ModelWorld& w) { publish(w, Json::array({mounted("/run/docker.sock")})); }},
    {"socket-second.plan", [](ModelWorld& w) { publish(w, Json::array({mounted(std::string(kFolder) + "/proxy.sock"), mounted("/run/docker.sock", "/run/docker.sock")})); }},
    {"socket-none.plan", [](ModelWorld& w) { publish(w, Json::array()); }},
    {"socket-network-on.plan", [](ModelWorld& w) { w.change_row([](Json& row) { row["network"] = true; }); }},
    {"socket-list-in-row.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.change_row([](Json& row) {
             row["allowed_cidrs"] = {"0.0.0.0/0"};
             row["dns_filter_hosts"] = Json::array();
         });
     }},
    {"socket-file-exchanged.plan", [](ModelWorld& w) { w.socket_place->entries.front().inode += 1; }},
    {"socket-file-exchanged-stopped.plan",
     [](ModelWorld& w) {
         w.socket_place->entries.front().inode += 1;
         w.kill_vmm();
     }},
    {"socket-infra-restarted.plan", [](ModelWorld& w) { w.restart_container("bottle-docs-writer-infra"); }},
    {"socket-another-in-folder.plan", [](ModelWorld& w) { w.socket_place->entries.push_back({"x.sock", true, 0, 0, 0777, 22, 99}); }},
    {"socket-folder-open.plan", [](ModelWorld& w) { w.socket_place->mode = 0777; }},
    {"socket-folder-unreadable.plan", [](ModelWorld& w) { w.socket_unreadable = "/run/bottle/2900000: Input/output error"; }},
    {"socket-host-restarted.plan", [](ModelWorld& w) { w.reboot(); }},
    {"socket-firewall-opened.plan", [](ModelWorld& w) { w.firewall = listed_firewall(2'900'000, "10.231.0.2", {9099}); }},
};

}  // namespace

TEST_CASE("golden: the first apply in mode socket") {
    auto world = empty_world();
    check_golden("plans/socket-first-apply.plan", plan_text(world));
    check_golden("plans/socket-first-apply.json", to_json(look_and_plan(world, sample_with_socket()).plan));
}

TEST_CASE("golden: a world in mode socket that drifted from Ready") {
    for (const auto& golden : kGolden) DYNAMIC_SECTION(golden.file) {
        auto world = ready_world(sample_with_socket());
        golden.change(world);
        check_golden(std::string("plans/") + golden.file, plan_text(world));
    }
}

TEST_CASE("golden: from one mode to the other: the machine is not changed, and is refused") {
    auto bridged = ready_world();
    check_golden("plans/socket-from-bridge.plan", plan_text(bridged));
    bridged.kill_vmm();
    check_golden("plans/socket-from-bridge-stopped.plan", plan_text(bridged));
    auto world = ready_world(sample_with_socket());
    check_golden("plans/socket-to-bridge.plan", plan_text(world, sample_manifest()));
    world.kill_vmm();
    check_golden("plans/socket-to-bridge-stopped.plan", plan_text(world, sample_manifest()));
    // Back to the manifest that it was made from: nothing was touched.
    CHECK(apply(world, sample_with_socket()).exit == Exit::Ok);
}

TEST_CASE("an exchanged socket: the next apply makes infra anew, and with it its socket; the one after does nothing") {
    const auto manifest = sample_with_socket();
    const auto exchange = [](ModelWorld& w) { w.socket_place->entries.front().inode += 1; };
    const std::function<void(ModelWorld&)> kEvents[] = {
        exchange,
        [&](ModelWorld& w) { exchange(w); w.kill_vmm(); },
        [&](ModelWorld& w) { exchange(w); w.stored.proof.reset(); },
        [&](ModelWorld& w) { w.stored.socket.reset(); },
        [](ModelWorld& w) { w.restart_container("bottle-docs-writer-infra"); },
        // Before the first proof, when none tells what it was bound to.
        [&](ModelWorld& w) {
            w = empty_world();
            w.failing_steps = {"prove"};
            REQUIRE(apply(w, manifest).exit == Exit::Failed);
            w.failing_steps.clear();
            exchange(w);
        },
    };
    for (const auto& happens : kEvents) {
        auto world = ready_world(manifest);
        happens(world);
        const auto before = world.container_named("bottle-docs-writer-infra")->id;
        REQUIRE(apply(world, manifest).exit == Exit::Ok);
        CHECK(world.container_named("bottle-docs-writer-infra")->id != before);
        CHECK(world.violations.empty());
        CHECK(world.socket_there() == world.served_socket);
        CHECK(look_and_plan(world, manifest).plan.empty());
    }
}

TEST_CASE("in mode socket a bottle becomes Ready, without a network and without a list; a second apply does nothing") {
    const auto manifest = sample_with_socket();
    auto world = ready_world(manifest);
    CHECK(world.violations.empty());
    CHECK(world.leak().empty());
    const auto row = Json::parse(world.row->data);
    CHECK(row["network"] == false);
    CHECK(row["allowed_cidrs"].is_null());
    CHECK(row["published_sockets"] == Json::array({mounted(std::string(kFolder) + "/proxy.sock")}));
    CHECK(std::none_of(world.acts.begin(), world.acts.end(), [](const std::string& act) { return act.rfind("allowlist", 0) == 0; }));
    const auto all = conditions(look_and_plan(world, manifest).desired, world.observe(scope_of(world, manifest)));
    CHECK(condition(all, "Ready").status == "True");
    CHECK(condition(all, "Confined").message == "reaches its bundle's proxy by a socket and nothing else");
    const int before = world.mutations;
    CHECK(apply(world, manifest).exit == Exit::Ok);
    CHECK(world.mutations == before);
}

TEST_CASE("the folder is made before infra, and made right or emptied where something is in it") {
    const auto manifest = sample_with_socket();
    auto world = empty_world();
    world.stored.allocation = Allocation{"10.231.0.0/29", "10.232.0.0/29", 2'900'000};
    world.socket_folder = kFolder;
    const auto makes = [&] {
        const auto plan = look_and_plan(world, manifest).plan;
        return std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return std::holds_alternative<MakeSocketFolder>(step.action); });
    };
    CHECK(makes() == 1);
    world.socket_place = good_place();
    CHECK(makes() == 1);
    world.socket_place->entries.clear();
    CHECK(makes() == 0);
    world.socket_place->mode = 0755;
    CHECK(makes() == 1);
    REQUIRE(apply(world, manifest).exit == Exit::Ok);
    CHECK(makes() == 0);
    CHECK(world.socket_place->mode == 0710);
}

TEST_CASE("mode socket: a list in the row of a machine that is stopped is taken out again") {
    const auto manifest = sample_with_socket();
    auto world = ready_world(manifest);
    const auto good = world.row->data;
    world.kill_vmm();
    world.change_row([](Json& row) {
        row["network"] = true;
        row["allowed_cidrs"] = {"10.231.0.2/32"};
        row["dns_filter_hosts"] = Json::array();
    });
    REQUIRE(apply(world, manifest).exit == Exit::Ok);
    CHECK(world.leak().empty());
    CHECK(Json::parse(world.row->data)["network"] == false);
}

TEST_CASE("mode socket: what is in doubt is stopped, and nothing else is done about it before") {
    const auto manifest = sample_with_socket();
    const std::function<void(ModelWorld&)> kDoubts[] = {
        [](ModelWorld& w) { w.socket_unreadable = "x"; },
        [](ModelWorld& w) { w.socket_place.reset(); },
        [](ModelWorld& w) { w.socket_place->entries.front().inode += 1; },
        [](ModelWorld& w) { publish(w, Json::array()); },
        [](ModelWorld& w) { w.change_row([](Json& row) { row["network"] = true; }); },
        [](ModelWorld& w) { w.live->channels = {"port-forward.sock"}; },
        [](ModelWorld& w) { w.firewall.reset(); },
        [](ModelWorld& w) { w.restart_container("bottle-docs-writer-infra"); },
    };
    for (const auto& doubt : kDoubts) {
        auto world = ready_world(manifest);
        doubt(world);
        const auto planned = look_and_plan(world, manifest);
        CHECK(starts_with_stop(planned.plan));
        CHECK(condition(conditions(planned.desired, world.observe(scope_of(world, manifest))), "Ready").status != "True");
        apply(world, manifest);
        CHECK(world.violations.empty());
        CHECK((!world.live || look_and_plan(world, manifest).plan.empty()));
    }
}
