#include "reconciler/secrets.h"

#include "reconciler/events.h"
#include "reconciler/generation.h"
#include "reconciler/report.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

Plan plan_of(ModelWorld& world, const Manifest& manifest = sample_with_secret()) {
    return look_and_plan(world, manifest).plan;
}

std::string plan_text(ModelWorld& world, const Manifest& manifest = sample_with_secret()) {
    return to_text(plan_of(world, manifest));
}

/// "place text | hint" of the one refusal.
std::string refusal(ModelWorld& world, Exit exit, const Manifest& manifest = sample_with_secret()) {
    const auto plan = plan_of(world, manifest);
    REQUIRE(plan.refusals.size() == 1);
    CHECK(exit_of_diff(plan) == exit);
    const auto& problem = plan.refusals.front();
    return to_string(*problem.place) + " " + problem.text + " | " + problem.hint;
}

std::string stop_cause(ModelWorld& world, const Manifest& manifest = sample_with_secret()) {
    const auto plan = plan_of(world, manifest);
    if (plan.steps.empty() || !std::holds_alternative<StopMachine>(plan.steps.front().action)) return "";
    return plan.steps.front().cause;
}

}  // namespace

TEST_CASE("golden: a secret, and each host that it is for, stands in the diff") {
    auto world = world_with_secret();
    SECTION("new") {
        check_golden("plans/secret-first-apply.plan", plan_text(world));
        check_golden("plans/secret-first-apply.json", to_json(plan_of(world)));
    }
    SECTION("no host is named for it") {
        world.policy.secrets["api-token"].hosts.clear();
        check_golden("plans/secret-without-hosts.plan", plan_text(world));
    }
    SECTION("in two variables") {
        auto manifest = sample_with_secret();
        manifest.agent.secrets["OTHER"] = "api-token";
        check_golden("plans/secret-in-two-variables.plan", plan_text(world, manifest));
    }
}

TEST_CASE("golden: a secret that changed") {
    auto world = ready_world(sample_with_secret());
    CHECK(plan_text(world).find("nothing to do") != std::string::npos);
    SECTION("its value") {
        world.secrets["api-token"] = std::string("fingerprint 2");
        check_golden("plans/secret-changed.plan", plan_text(world));
        CHECK(apply(world, sample_with_secret()).exit == Exit::Ok);
        CHECK(plan_of(world).empty());
    }
    SECTION("its hosts: the command goes on") {
        world.policy.secrets["api-token"].hosts = {"api.example.com", "new.example.com"};
        check_golden("plans/secret-other-host.plan", plan_text(world));
        CHECK(apply(world, sample_with_secret()).exit == Exit::Ok);
        CHECK(plan_of(world).empty());
    }
    SECTION("the manifest names it no more") {
        check_golden("plans/secret-named-no-more.plan", plan_text(world, sample_manifest()));
        CHECK(apply(world, sample_manifest()).exit == Exit::Ok);
        CHECK(world.stored.grants.empty());
        CHECK(world.workload->secrets.empty());
    }
    SECTION("it arrives in another variable") {
        auto manifest = sample_with_secret();
        manifest.agent.secrets = {{"TOKEN", "api-token"}};
        CHECK(stop_cause(world, manifest) == "the agent's command, user or environment changed");
    }
    SECTION("the host takes it away: what has it is stopped") {
        world.policy.secrets["api-token"].bottles = {"other"};
        CHECK(stop_cause(world) == "the host policy does not give secret api-token to it any more");
        CHECK(apply(world, sample_with_secret()).exit == Exit::Usage);
        CHECK_FALSE(world.live);
    }
    SECTION("it is not read: what has it runs on, and is as it shall be") {
        world.secrets.clear();
        CHECK(plan_of(world).empty());
    }
    SECTION("it cannot be read any more: what has it runs on") {
        world.secrets["api-token"] = Absent{};
        CHECK(stop_cause(world).empty());
        CHECK(exit_of_diff(plan_of(world)) == Exit::Precondition);
    }
}

TEST_CASE("a secret that the host does not give is refused at its line, with the way out") {
    auto world = world_with_secret();
    const std::string place = "bottle.yaml:11:30 ";
    SECTION("no such name") {
        world.policy.secrets.clear();
        CHECK(refusal(world, Exit::Usage) ==
              place + "this host has no secret api-token | the host's owner says what it is in /etc/bottle/config.yaml: secrets: {api-token: {from: {env: API_TOKEN}, bottles: [docs-writer], hosts: []}}");
        CHECK(apply(world, sample_with_secret()).exit == Exit::Usage);
        CHECK(world.networks.empty());
        world.policy.file.clear();
        CHECK(refusal(world, Exit::Usage).find("says what it is in the host policy: ") != std::string::npos);
    }
    SECTION("a name that is nearly one") {
        auto manifest = sample_with_secret();
        manifest.agent.secrets["API_TOKEN"] = "api-tokn";
        CHECK(refusal(world, Exit::Usage, manifest) == place + "this host has no secret api-tokn | did you mean api-token?");
    }
    SECTION("for other bottles") {
        world.policy.secrets["api-token"].bottles = {"web", "docs"};
        CHECK(refusal(world, Exit::Usage) ==
              place + "secret api-token is not for bottle docs-writer (/etc/bottle/config.yaml:4:3) | the host's owner can add docs-writer to secrets.api-token.bottles in /etc/bottle/config.yaml");
        CHECK(apply(world, sample_with_secret()).exit == Exit::Usage);
        CHECK(world.networks.empty());
        world.policy.secrets["api-token"].bottles.clear();
        CHECK(refusal(world, Exit::Usage).find("is not for bottle docs-writer") != std::string::npos);
        CHECK(secrets_given(sample_with_secret(), world.policy).empty());
    }
    SECTION("no command could get it") {
        auto manifest = sample_with_secret();
        manifest.agent.command.clear();
        CHECK(refusal(world, Exit::Usage, manifest) ==
              place + "a secret reaches the agent's command alone, and this manifest names none | name agent.command, or leave the secret out");
    }
}

TEST_CASE("a source that cannot be read is refused before anything is made, with what to look at") {
    auto world = world_with_secret();
    auto& from = world.policy.secrets["api-token"].from;
    const std::string head = "bottle.yaml:11:30 secret api-token cannot be read: ";
    const std::string place = " (/etc/bottle/config.yaml:4:3) | ";
    world.secrets["api-token"] = Absent{};
    CHECK(refusal(world, Exit::Precondition) == head + "the variable API_TOKEN is not set" + place + "export API_TOKEN=…   where bottle is run");
    from = SecretFile{"/etc/token"};
    CHECK(refusal(world, Exit::Precondition) == head + "there is no file /etc/token" + place + "ls -l /etc/token   it is a file of your own that nobody else may read");
    from = SecretCommand{{"/usr/bin/pass", "show", "api-token"}};
    world.secrets["api-token"] = Unknown{"its command exited with 1"};
    CHECK(refusal(world, Exit::Precondition) == head + "its command exited with 1" + place + "/usr/bin/pass show api-token   prints it, alone, in 30 s and without asking");
    CHECK(apply(world, sample_with_secret()).exit == Exit::Precondition);
    CHECK(world.networks.empty());
    CHECK(world.stored.grants.empty());
}

TEST_CASE("only the sources of secrets that are given are read") {
    auto world = world_with_secret();
    auto manifest = sample_with_secret();
    manifest.agent.secrets = {{"A", "api-token"}, {"B", "api-token"}, {"C", "unknown"}};
    world.policy.secrets["not-asked"] = {{}, SecretVariable{"HOME"}, {"**"}, {}};
    CHECK(secrets_given(manifest, world.policy) == std::set<std::string>{"api-token"});
    CHECK(secrets_given(sample_manifest(), world.policy).empty());
}

TEST_CASE("the generation rises with what is granted, and not with a value or a look that did not read it") {
    auto world = ready_world(sample_with_secret());
    const auto text = [&] { return generation_text(look_and_plan(world, sample_with_secret()).desired); };
    const auto before = text();
    world.secrets["api-token"] = std::string("fingerprint 2");
    CHECK(text() == before);
    world.secrets.clear();
    CHECK(text() == before);
    world.policy.secrets["api-token"].hosts = {"api.example.com"};
    CHECK(text() != before);
}

TEST_CASE("what was granted and taken back is told as an event of its secret") {
    Records records;
    records.journal.push_back({1, "docs", "2026-01-01T00:00:00Z", "grant secret api-token → api.example.com as API_TOKEN", "not granted yet", "2026-01-01T00:00:01Z", "done"});
    records.journal.push_back({2, "docs", "2026-01-01T00:00:00Z", "revoke secret api-token → no host named as API_TOKEN", "not granted any more", "2026-01-01T00:00:02Z", "failed: disk"});
    const auto all = events(records);
    REQUIRE(all.size() == 2);
    CHECK(all[0].reason == "SecretGranted");
    CHECK(all[0].object == "secret/api-token");
    CHECK(all[1].reason == "FailedRevokeSecret");
}
