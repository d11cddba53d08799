#include "reconciler/saved_plan.h"

#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

SavedBottle saved(ModelWorld& world, const Manifest& manifest = sample_manifest()) {
    const auto planned = look_and_plan(world, manifest);
    return save_bottle(manifest, planned.desired, world.observe(scope_of(world, manifest)), planned.plan, test_digest());
}

SavedPlan sample_plan() {
    auto world = empty_world();
    SavedPlan plan;
    plan.made_at = "2026-11-26T12:00:00Z";
    plan.files = {"/srv/bottles/bottle.yaml"};
    plan.recursive = true;
    plan.selector = {{"team", "docs"}};
    plan.salt = "00ff";
    plan.bottles = {saved(world)};
    return plan;
}

/// What is said of a plan of a world that is Ready, once the world or the manifest is another.
struct Move {
    const char* what;
    void (*change)(ModelWorld&, Manifest&);
};

const Move kMoves[] = {
    {"nothing", [](ModelWorld&, Manifest&) {}},
    {"the manifest stands some lines lower", [](ModelWorld&, Manifest& m) { m.place.line += 3; }},
    {"more cpus", [](ModelWorld&, Manifest& m) { m.machine.cpus = 8; }},
    {"a variable of the agent, and its command", [](ModelWorld&, Manifest& m) {
         m.agent.env = {{"API_TOKEN", "sesame"}};
         m.agent.command.emplace_back("-q");
     }},
    {"a second port", [](ModelWorld&, Manifest& m) { m.bundle.containers.front().ports.push_back({"web", 8080}); }},
    {"another container", [](ModelWorld&, Manifest& m) { m.bundle.containers.front().name = "proxy"; }},
    {"no external network", [](ModelWorld&, Manifest& m) { m.bundle.external_network = false; }},
    {"the tag is another image", [](ModelWorld& w, Manifest&) { w.images.at("bottle-egress:1").id = "sha256:" + std::string(64, 'a'); }},
    {"the image is gone", [](ModelWorld& w, Manifest&) { w.images.erase("bottle-egress:1"); }},
    {"no firewall on this host any more", [](ModelWorld& w, Manifest&) { w.firewall_unreadable = "not permitted"; }},
    {"a rule more", [](ModelWorld& w, Manifest&) { w.firewall = listed_firewall(2'900'000, "10.231.0.2", {22, 9099}); }},
    {"a stranger on the network", [](ModelWorld& w, Manifest&) { w.add_foreign_container("curious", "bottle-docs-writer"); }},
    {"a container started again", [](ModelWorld& w, Manifest&) { w.restart_container("bottle-docs-writer-egress"); }},
    {"a container gone", [](ModelWorld& w, Manifest&) { w.remove_container("bottle-docs-writer-egress"); }},
    {"a container with more memory", [](ModelWorld& w, Manifest&) { w.container_named("bottle-docs-writer-egress")->is.memory *= 2; }},
    {"the row's list opened", [](ModelWorld& w, Manifest&) { w.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; }); }},
    {"the database locked", [](ModelWorld& w, Manifest&) { w.database_locked = "database is locked"; }},
    {"the machine died", [](ModelWorld& w, Manifest&) { w.kill_vmm(); }},
    {"a live channel", [](ModelWorld& w, Manifest&) { w.live->channels = {"egress.sock"}; }},
    {"the agent ended", [](ModelWorld& w, Manifest&) { w.workload->state = WorkloadExited{1}; }},
    {"the host started again", [](ModelWorld& w, Manifest&) { w.reboot(); }},
    {"our records lost", [](ModelWorld& w, Manifest&) { w.stored = {}; }},
    {"Docker down", [](ModelWorld& w, Manifest&) { w.docker_down = "connection refused"; }},
    {"another smolvm on PATH", [](ModelWorld& w, Manifest&) { w.host.smolvm_size += 1; }},
};

}  // namespace

TEST_CASE("golden: what moved since a plan was made is named, thing by thing") {
    std::string all;
    for (const auto& move : kMoves) {
        auto world = ready_world();
        const auto then = saved(world);
        auto manifest = sample_manifest();
        move.change(world, manifest);
        const auto problems = what_moved(then, saved(world, manifest), manifest.place);
        all += std::string("== ") + move.what + "\n" + (problems.empty() ? "nothing moved\n" : render(Error(Exit::Precondition, problems)));
    }
    check_golden("plans/moved.txt", all);
}

TEST_CASE("a plan holds while nothing of it moves, and what other bottles do is none of it") {
    auto world = empty_world();
    const auto then = saved(world);
    CHECK(what_moved(then, saved(world), {}).empty());
    SECTION("the first apply of another bottle made the owner's id and imported the pause image") {
        world.host.owner = "another id";
        world.add_image(kPauseImage, {"sha256:" + std::string(64, 'c'), {"/pause"}, {}, {"PATH=/"}, "65534", "/", {{"dev.bottle.component", "pause"}}, {}, {{"Config.Shell", "[]"}}});
    }
    SECTION("it holds addresses, and has networks and containers") {
        world.stored.other_allocations["other"] = {"10.231.0.8/29", "10.232.0.8/29", 2'900'001};
        world.add_foreign_network("bottle-other", "10.231.0.8/29");
        world.network_named("bottle-other")->is.labels[label::kName] = "other";
        world.add_foreign_container("bottle-other-infra", "bottle-other");
        world.container_named("bottle-other-infra")->is.labels[label::kName] = "other";
        world.host.carriers.push_back({"10.231.0.8/29", "br-0123456789ab"});
    }
    CHECK(what_moved(then, saved(world), {}).empty());
}

TEST_CASE("the addresses of a plan are part of it") {
    auto world = empty_world();
    const auto then = saved(world);
    world.stored.other_allocations["other"] = {"10.231.0.0/29", "10.232.0.0/29", 2'900'000};
    const auto problems = what_moved(then, saved(world), {});
    REQUIRE_FALSE(problems.empty());
    CHECK(problems.front().text.find("what is wanted moved: ") == 0);
}

TEST_CASE("a step that was not in the plan is enough, whatever the digests say") {
    auto world = empty_world();
    const auto then = saved(world);
    auto now = then;
    now.steps.push_back({"remove volume bottle-docs-writer-cache", "", "data"});
    REQUIRE(what_moved(then, now, {}).size() == 1);
    CHECK(what_moved(then, now, {}).front().text == "the plan has no step remove volume bottle-docs-writer-cache, which is needed now");
    REQUIRE(what_moved(now, then, {}).size() == 1);
    now = then;
    now.steps.back().cost = "data";
    CHECK(what_moved(then, now, {}).size() == 2);
}

TEST_CASE("of a bottle that is deleted what is there counts, and whether it is the last one does not") {
    auto world = ready_world(sample_with_volume());
    const auto removal = [&] {
        Scope scope;
        scope.bottle = "docs-writer";
        scope.image_refs = {kPauseImage};
        const auto snapshot = world.observe(scope);
        return save_removal("docs-writer", snapshot, plan_delete("docs-writer", snapshot), test_digest());
    };
    const auto then = removal();
    CHECK(then.removes);
    world.stored.other_allocations["other"] = {"10.231.0.8/29", "10.232.0.8/29", 2'900'001};
    CHECK(what_moved(then, removal(), {}).empty());
    world.volumes.clear();
    REQUIRE(what_moved(then, removal(), {}).size() == 1);
    CHECK(what_moved(then, removal(), {}).front().text == "what is there moved: volume bottle-docs-writer-cache is gone");
}

TEST_CASE("a plan's text holds no value of a manifest but what its lines show, and is read back as it was") {
    const auto plan = sample_plan();
    const auto text = to_text(plan);
    for (const char* value : {"C.UTF-8", "strict", "--print", "NET_BIND_SERVICE", "/srv/agent-rootfs"}) CHECK(text.find(value) == std::string::npos);
    check_golden("plans/saved.json", text);
    CHECK(read_saved_plan(text) == plan);
    auto shorter = plan;
    shorter.bottles.clear();
    shorter.files.clear();
    shorter.name = "docs-writer";
    shorter.keyed = shorter.adopt = true;
    CHECK(read_saved_plan(to_text(shorter)) == shorter);
}

TEST_CASE("a plan from outside is read strictly") {
    const auto good = nlohmann::json::parse(to_text(sample_plan()));
    const auto refused = [](const std::string& text) {
        try {
            read_saved_plan(text);
            return std::string("taken");
        } catch (const Error& error) {
            CHECK(error.exit() == Exit::Usage);
            return std::string(error.what());
        }
    };
    SECTION("cut at every byte") {
        const auto text = good.dump();
        for (std::size_t length = 0; length < text.size(); ++length) CHECK(refused(text.substr(0, length)) != "taken");
    }
    SECTION("a key too many, one too few, one of another type, at each level") {
        for (const auto* pointer : {"", "/bottles/0", "/bottles/0/steps/0"}) {
            const nlohmann::json::json_pointer place(pointer);
            auto more = good;
            more[place]["colour"] = "red";
            CHECK(refused(more.dump()).find("has a colour, which this version does not know") != std::string::npos);
            for (const auto& [key, value] : good[place].items()) {
                INFO(pointer << "/" << key);
                auto fewer = good;
                fewer[place].erase(key);
                CHECK(refused(fewer.dump()) != "taken");
                auto other = good;
                other[place][key] = 7;
                CHECK(refused(other.dump()) != "taken");
            }
        }
    }
    SECTION("a bottle twice: applied and deleted, it could be meant for either") {
        auto twice = good;
        twice["bottles"].push_back(good["bottles"][0]);
        twice["bottles"][1]["removes"] = true;
        CHECK(refused(twice.dump()) == "this is no plan that bottle can read: bottle docs-writer stands in it twice");
    }
    SECTION("another format") {
        auto other = good;
        other["format"] = "bottle.plan-file/v2\x1b[31m";
        CHECK(refused(other.dump()) == "this is no plan that bottle can read: its format is bottle.plan-file/v2\\x1B[31m, not bottle.plan-file/v1");
    }
    SECTION("what is no object, what stands twice, what is too much or too deep") {
        for (const char* text : {"", "[]", "7", "null", "{}", "\xff", R"({"format":"bottle.plan-file/v1","format":"bottle.plan-file/v1"})"}) CHECK(refused(text) != "taken");
        CHECK(refused(good.dump() + std::string(9 << 20, ' ')).find("more than") != std::string::npos);
        CHECK(refused(std::string(100'000, '[')) != "taken");
        CHECK(refused(good.dump() + "{}") != "taken");
    }
}
