#include "reconciler/alias.h"
#include "reconciler/allocate.h"
#include "reconciler/explain.h"
#include "reconciler/network_mode.h"
#include "reconciler/proof.h"
#include "reconciler/reach.h"
#include "reconciler/report.h"
#include "reconciler/row.h"
#include "reconciler/row_splice.h"
#include "reconciler/running_config.h"
#include "tests/reconciler/ready_look.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

#include <algorithm>

// Mode tsi-loopback: the guest's sockets are the host's own, and its bundle is published on an address of the host's loopback.
using namespace bottle;
using namespace bottle::model;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* kAlias = "127.0.0.16";
constexpr const char* kInfraName = "bottle-docs-writer-infra";

std::string plan_text(ModelWorld& world, const Manifest& manifest = sample_on_loopback()) {
    return to_text(look_and_plan(world, manifest).plan);
}

Look loopback_look() {
    static const Look look = [] {
        auto world = ready_world(sample_on_loopback());
        Look made;
        made.snapshot = world.observe(scope_of(world, sample_on_loopback()));
        made.desired = desire(sample_on_loopback(), world.policy, *world.stored.allocation, made.snapshot, test_digest());
        return made;
    }();
    return look;
}

Evidence evidence(const Look& look, EvidenceKind kind, const std::vector<Change>& changes = {}) {
    for (const auto& item : host_evidence(look.desired, look.snapshot, changes)) {
        if (item.kind == kind) return item;
    }
    FAIL("no such evidence");
    return {};
}

std::string explained(ModelWorld& world, bool json = false) {
    const auto desired = look_and_plan(world, sample_on_loopback()).desired;
    const auto explanation = explain(sample_on_loopback(), world.policy, desired, world.observe(scope_of(world, sample_on_loopback())));
    return json ? to_json(explanation) : to_text(explanation);
}

Reached reached(ModelWorld& world, const char* target) {
    const auto manifest = sample_on_loopback();
    const auto desired = look_and_plan(world, manifest).desired;
    return reach_of(manifest, world.policy, desired, world.observe(scope_of(world, manifest)), std::get<Target>(parse_target(target)));
}

std::string alias_of(const std::variant<Allocation, std::string>& chosen) {
    return std::holds_alternative<Allocation>(chosen) ? std::get<Allocation>(chosen).alias : std::get<std::string>(chosen);
}

/// What an empty host, on which others hold or publish these, chooses.
std::string chosen(const std::vector<std::string>& held, const std::vector<std::string>& published, const std::string& ours = {}) {
    auto world = loopback_world();
    for (const auto& address : held) world.stored.other_allocations["bottle" + address] = {"10.231.9.0/29", "", 0, address};
    for (const auto& address : published) world.published_by_others.push_back({"id", "web" + address, address, 8080});
    if (!ours.empty()) world.stored.allocation = Allocation{"10.231.0.0/29", "10.232.0.0/29", 0, ours};
    return alias_of(allocate(sample_on_loopback(), {}, world.observe(scope_of(world, sample_on_loopback()))));
}

std::string address_of(int last) {
    return "127.0.0." + std::to_string(last);
}

ModeChoice choice(const HostPolicy& policy, const HostFacts& host, NetworkMode mode = NetworkMode::TsiLoopback) {
    NetworkSpec network;
    network.mode = mode;
    network.mode_place = {"bottle.yaml", 9, 11};
    return choose_network_mode(network, policy, host);
}

struct GoldenCase {
    const char* file;
    void (*change)(ModelWorld&);
};

const GoldenCase kGolden[] = {
    {"loopback-nothing-to-do.plan", [](ModelWorld&) {}},
    {"loopback-published-everywhere.plan", [](ModelWorld& w) { w.container_named(kInfraName)->is.published_ports = {"10418/tcp -> 127.0.0.16:10418", "9099/tcp -> 0.0.0.0:9099"}; }},
    {"loopback-published-more.plan", [](ModelWorld& w) { w.container_named(kInfraName)->is.published_ports.emplace_back("9100/tcp -> 127.0.0.16:9100"); }},
    {"loopback-another-publishes.plan", [](ModelWorld& w) { w.published_by_others = {{"c0ffee", "web", kAlias, 80}}; }},
    {"loopback-another-listens.plan", [](ModelWorld& w) { w.listening = {{"tcp", "0.0.0.0", 22}}; }},
    {"loopback-listeners-unreadable.plan", [](ModelWorld& w) { w.listeners_unreadable = "/proc/net/tcp cannot be read"; }},
    {"loopback-opt-in-taken-back.plan", [](ModelWorld& w) { w.policy.network.tsi_loopback = false; }},
    {"loopback-smolvm-named-no-more.plan", [](ModelWorld& w) { w.host.accepted_smolvm.clear(); }},
    {"loopback-wider-list.plan", [](ModelWorld& w) { w.change_row([](Json& row) { row["allowed_cidrs"] = {"127.0.0.0/8"}; }); }},
    {"loopback-host-restarted.plan", [](ModelWorld& w) { w.reboot(); }},
};

}  // namespace

TEST_CASE("golden: the first apply in mode tsi-loopback") {
    auto world = loopback_world();
    check_golden("plans/loopback-first-apply.plan", plan_text(world));
    check_golden("plans/loopback-first-apply.json", to_json(look_and_plan(world, sample_on_loopback()).plan));
}

TEST_CASE("golden: a world in mode tsi-loopback that drifted from Ready") {
    for (const auto& golden : kGolden) DYNAMIC_SECTION(golden.file) {
        auto world = ready_world(sample_on_loopback());
        golden.change(world);
        check_golden(std::string("plans/") + golden.file, plan_text(world));
    }
}

TEST_CASE("golden: mode tsi-loopback is refused, and nothing is made") {
    auto as_root = loopback_world();
    as_root.host.euid = 0;
    check_golden("plans/loopback-refused-root.plan", plan_text(as_root));
    auto bare = loopback_world();
    bare.policy = {};
    bare.policy.file = "/home/sam/.config/bottle/config.yaml";
    bare.host.accepted_smolvm.clear();
    check_golden("plans/loopback-refused.plan", plan_text(bare));
    CHECK(apply(bare, sample_on_loopback()).exit == Exit::Precondition);
    CHECK(bare.networks.empty());
    auto other = loopback_world();
    auto bridged = sample_manifest();
    bridged.network.mode_place = bridged.place;
    check_golden("plans/loopback-smolvm-for-bridge.plan", plan_text(other, bridged));
}

TEST_CASE("golden: mode tsi-loopback explained") {
    auto world = ready_world(sample_on_loopback());
    check_golden("explain/loopback.txt", explained(world));
    check_golden("explain/loopback.json", explained(world, true));
    auto bare = loopback_world();
    bare.policy.network.tsi_loopback = false;
    check_golden("explain/loopback-refused.txt", explained(bare));
}

TEST_CASE("golden: where a guest on TSI gets") {
    auto world = ready_world(sample_on_loopback());
    std::string all;
    for (const auto* target : {"127.0.0.16:9099", "127.0.0.16:22", "127.0.0.1:9099", "127.0.0.17:9099", "[::1]:80", "localhost:80", "10.231.0.2:9099", "1.1.1.1:443", "[fe80::1]:443", "example.com:443"}) {
        all += to_text(reached(world, target));
    }
    check_golden("explain/loopback-reach.txt", all);
    check_golden("explain/loopback-reach.json", to_json(reached(world, "127.0.0.1:9099")));
}

TEST_CASE("on TSI the guest's loopback is no end of a try: what it does not answer itself goes to the host, where the list stops it") {
    auto world = ready_world(sample_on_loopback());
    using enum Reached::End;
    const auto first = [&](const char* target) { return reached(world, target).layers.front(); };
    CHECK(reached(world, "127.0.0.16:9099").end == LetThrough);
    CHECK(first("127.0.0.16:9099").by == "list");
    CHECK(reached(world, "127.0.0.16:9099").way_out.empty());
    for (const auto* target : {"127.0.0.1:9099", "127.0.0.17:9099", "[::1]:9099", "localhost:9099"}) {
        INFO(target);
        CHECK(reached(world, target).end == Stopped);
        CHECK(first(target).by == "list");
        CHECK(first(target).rule.find("what listens in the guest itself answers first") != std::string::npos);
    }
    for (const auto* target : {"10.231.0.2:9099", "1.1.1.1:443", "[fe80::1]:443"}) {
        INFO(target);
        CHECK(reached(world, target).end == Stopped);
        CHECK(first(target).rule.find("in the guest itself") == std::string::npos);
    }
    CHECK(first("example.com:443").by == "names");
    // What the list is worth is what the guest tried: without a proof nothing is known to stop it.
    world.stored.proof.reset();
    for (const auto* target : {"127.0.0.1:9099", "1.1.1.1:443", "example.com:443"}) CHECK(reached(world, target).end == Doubtful);
}

TEST_CASE("in mode tsi-loopback a bottle becomes Ready; a second apply does nothing") {
    const auto manifest = sample_on_loopback();
    auto world = ready_world(manifest);
    CHECK(world.violations.empty());
    CHECK(world.leak().empty());
    const auto all = conditions(look_and_plan(world, manifest).desired, world.observe(scope_of(world, manifest)));
    CHECK(condition(all, "Ready").status == "True");
    CHECK(condition(all, "Confined").message == "reaches 127.0.0.16/32 and nothing else");
    const int before = world.mutations;
    CHECK(apply(world, manifest).exit == Exit::Ok);
    CHECK(world.mutations == before);
}

TEST_CASE("mode tsi-loopback: what is desired") {
    const auto look = loopback_look();
    const auto& desired = look.desired;
    CHECK(desired.dialled == kAlias);
    CHECK(desired.machine.tsi);
    CHECK(desired.machine.has_command);
    CHECK(desired.machine.allowed_cidr == "127.0.0.16/32");
    CHECK(desired.forbidden.empty());
    const auto& infra = desired.containers.front();
    CHECK(infra.published_ports == std::vector<std::string>{"10418/tcp -> 127.0.0.16:10418", "9099/tcp -> 127.0.0.16:9099"});
    CHECK(infra.extras.at("Config.ExposedPorts") == R"({"10418/tcp":{},"9099/tcp":{}})");
    CHECK(desired.containers.back().published_ports.empty());
    CHECK(desired.networks.size() == 2);
    CHECK(desired.networks.front().internal);
    for (const auto* name : {"HTTP_PROXY", "https_proxy"}) CHECK(desired.guest_env.at(name) == "http://127.0.0.16:9099");
    for (const auto* name : {"NO_PROXY", "no_proxy"}) CHECK(desired.guest_env.at(name) == "localhost,127.0.0.1,127.0.0.16");
    CHECK_FALSE(desired.firewall);
    CHECK(desired.no_firewall == "the machine has no uid of its own");
    auto older = loopback_world();
    older.host.accepted_smolvm = "0.8.0";
    CHECK_FALSE(look_and_plan(older, sample_on_loopback()).desired.machine.has_command);
}

TEST_CASE("mode tsi-loopback with a firewall required is refused") {
    auto world = loopback_world();
    auto manifest = sample_on_loopback();
    manifest.network.firewall = "required";
    CHECK(look_and_plan(world, manifest).plan.refusals.size() == 1);
}

// --- the address ---

TEST_CASE("alias: on an empty host it is 127.0.0.16") {
    CHECK(chosen({}, {}) == kAlias);
}

TEST_CASE("alias: the lowest that no bottle holds and no container publishes on, whoever made it and whether it runs") {
    CHECK(chosen({address_of(16)}, {}) == address_of(17));
    CHECK(chosen({}, {address_of(16)}) == address_of(17));
    CHECK(chosen({address_of(17)}, {address_of(16), "::ffff:127.0.0.18"}) == address_of(19));
    CHECK(chosen({address_of(17)}, {}) == kAlias);
    const std::vector<std::string> none = {"0.0.0.0", "", "127.0.0.1", "127.0.0.15", "127.0.0.32", "127.0.0.016"};
    CHECK(chosen({}, none) == kAlias);
    DockerView view;
    for (const auto& address : none) view.published.push_back({"id", "web", address, 8080});
    CHECK(alias_holders("docs", view, {}).empty());
    view.published.push_back({"id", "web", kAlias, 8080});
    CHECK(alias_holders("docs", view, {}) == std::map<std::string, std::string>{{kAlias, "container web"}});
}

TEST_CASE("alias: it is kept, also while another is free; one that came to be another's is exchanged before anything is built on it") {
    CHECK(chosen({}, {}, address_of(20)) == address_of(20));
    CHECK(chosen({address_of(20)}, {}, address_of(20)) == kAlias);
    CHECK(chosen({}, {address_of(20)}, address_of(20)) == kAlias);
    auto world = ready_world(sample_on_loopback());
    world.published_by_others = {{"c0ffee", "web", kAlias, 80}};
    CHECK(alias_of(allocate(sample_on_loopback(), {}, world.observe(scope_of(world, sample_on_loopback())))) == kAlias);
    // Its own infra publishes there, and is nobody else.
    auto own = ready_world(sample_on_loopback());
    own.stored.allocation->alias.clear();
    CHECK(alias_of(allocate(sample_on_loopback(), {}, own.observe(scope_of(own, sample_on_loopback())))) == kAlias);
}

TEST_CASE("alias: sixteen, and then one error that names who has them") {
    std::vector<std::string> held;
    std::vector<std::string> published;
    for (int last = 16; last <= 30; ++last) (last % 2 == 0 ? held : published).push_back(address_of(last));
    CHECK(chosen(held, published) == address_of(31));
    published.push_back(address_of(31));
    const auto why = chosen(held, published);
    CHECK(why.find("no address is left from 127.0.0.16 to 127.0.0.31 for mode tsi-loopback: 127.0.0.16 by bottle bottle127.0.0.16, 127.0.0.17 by container web127.0.0.17, ") == 0);
    CHECK(why.find("127.0.0.31 by container web127.0.0.31") != std::string::npos);
}

TEST_CASE("alias: no other mode takes one, and a bottle that has one never shares it") {
    auto world = empty_world();
    CHECK(alias_of(allocate(sample_manifest(), {}, world.observe(scope_of(world, sample_manifest())))).empty());
    for (const auto* address : {"127.0.0.16", "127.0.0.31"}) CHECK(is_alias(address));
    for (const auto* address : {"127.0.0.15", "127.0.0.32", "127.0.0.016", "::ffff:127.0.0.16", "", "0.0.0.0", "128.0.0.20"}) CHECK_FALSE(is_alias(address));
    Look look = loopback_look();
    Holdings other;
    other.bottle = "other";
    other.alias = kAlias;
    look.snapshot.stored.value().others = {other};
    const auto changes = diff_sharing(look.desired, look.snapshot);
    REQUIRE(changes.size() == 1);
    CHECK(changes.front().cause.find("share the address 127.0.0.16") != std::string::npos);
    look.snapshot.stored.value().others.front().alias = address_of(17);
    CHECK(diff_sharing(look.desired, look.snapshot).empty());
    look.snapshot.stored.value().others.front().alias.clear();
    CHECK(diff_sharing(look.desired, look.snapshot).empty());
}

TEST_CASE("decision: who else publishes on the alias, or answers there, keeps the machine from running until a human takes one away") {
    auto look = loopback_look();
    CHECK(diff_alias(look.desired, look.snapshot).empty());
    const auto publishes = [&](const std::string& name, const std::string& address) {
        auto changed = look;
        changed.snapshot.docker.value().published = {{"c0ffee", name, address, 80}};
        return diff_alias(changed.desired, changed.snapshot);
    };
    const auto check_shared = [&](const std::vector<Change>& changes, const std::string& says) {
        INFO(says);
        REQUIRE(changes.size() == 1);
        CHECK(changes.front().what == Change::What::Shared);
        CHECK(changes.front().reach == Reach::Wider);
        CHECK_FALSE(changes.front().hint.empty());
        CHECK(in_words(changes.front()).find(says) == 0);
        CHECK(evidence(look, EvidenceKind::Bundle, changes).verdict == Verdict::Fails);
    };
    for (const auto* address : {kAlias, "::ffff:127.0.0.16"}) check_shared(publishes("web", address), "container web: also publishes on 127.0.0.16, port 80");
    CHECK(publishes(kInfraName, kAlias).empty());
    for (const auto* address : {"127.0.0.17", "0.0.0.0", ""}) CHECK(publishes("web", address).empty());

    const auto listens = [&](const HostSocket& socket) {
        auto changed = look;
        changed.snapshot.listeners.value().push_back(socket);
        return diff_alias(changed.desired, changed.snapshot);
    };
    check_shared(listens({"tcp", "0.0.0.0", 22}), "tcp 0.0.0.0:22 of this host answers on 127.0.0.16, too");
    check_shared(listens({"tcp", "::", 22}), "tcp [::]:22 of this host");
    check_shared(listens({"tcp", kAlias, 9100}), "tcp 127.0.0.16:9100 of this host");
    check_shared(listens({"tcp", "::ffff:127.0.0.16", 9099}), "tcp [::ffff:127.0.0.16]:9099 of this host");
    check_shared(listens({"tcp", "0.0.0.0", 9099}), "tcp 0.0.0.0:9099 of this host");
    check_shared(listens({"udp", kAlias, 9099}), "udp 127.0.0.16:9099 of this host");
    check_shared(listens({"udp", "0.0.0.0", 32767}), "udp 0.0.0.0:32767 of this host");
    check_shared(listens({"tcp", "0.0.0.0", 32768}), "tcp 0.0.0.0:32768 of this host");
    for (const auto& fine : {HostSocket{"tcp", "127.0.0.1", 22}, {"tcp", "127.0.0.17", 9099}, {"udp", "0.0.0.0", 32768}, {"udp", "127.0.0.53", 53}, {"tcp", "192.0.2.1", 22}}) {
        INFO(fine.address);
        CHECK(listens(fine).empty());
    }
    // What Docker publishes of infra beside what it shall is infra's own difference.
    auto more = look;
    more.snapshot.listeners.value().push_back({"tcp", "0.0.0.0", 9100});
    for (auto& c : more.snapshot.docker.value().containers) {
        if (c.is.name == kInfraName) c.live_ports.emplace_back("9100/tcp -> 0.0.0.0:9100");
    }
    CHECK(diff_alias(more.desired, more.snapshot).empty());
    more.snapshot.listeners.value().back() = {"tcp", "0.0.0.0", 9101};
    CHECK(diff_alias(more.desired, more.snapshot).size() == 1);
    more.snapshot.listeners.value().back() = {"udp", "0.0.0.0", 9100};
    CHECK(diff_alias(more.desired, more.snapshot).size() == 1);
    more.snapshot.listeners.value().back() = {"tcp", "0.0.0.0", 9100};
    more.snapshot.docker.value().containers.clear();
    CHECK(diff_alias(more.desired, more.snapshot).size() == 1);

    auto unread = look;
    unread.snapshot.listeners = Unknown{"denied"};
    CHECK(diff_alias(unread.desired, unread.snapshot).empty());
    auto bridged = look;
    bridged.desired.machine.tsi = false;
    bridged.snapshot.docker.value().published = {{"c0ffee", "web", kAlias, 80}};
    CHECK(diff_alias(bridged.desired, bridged.snapshot).empty());
}

TEST_CASE("decision: the alias is the host's own, infra alone is published on it, and nobody else answers there") {
    const auto judged = [](const std::function<void(Look&)>& change) {
        auto look = loopback_look();
        change(look);
        return evidence(look, EvidenceKind::Bundle);
    };
    CHECK(judged([](Look&) {}).verdict == Verdict::Holds);
    CHECK(judged([](Look&) {}).reading == "127.0.0.16 is this host's own, and on it nobody answers but infra: 10418/tcp -> 127.0.0.16:10418, 9099/tcp -> 127.0.0.16:9099");
    const std::pair<const char*, std::function<void(Look&)>> kUnknown[] = {
        {"the route to 127.0.0.16 could not be read: no answer", [](Look& l) { l.snapshot.route = Unknown{"no answer"}; }},
        {"there is no route to 127.0.0.16", [](Look& l) { l.snapshot.route = Absent{}; }},
        {"who listens on this host could not be read: denied", [](Look& l) { l.snapshot.listeners = Unknown{"denied"}; }},
        {"who listens on this host could not be read", [](Look& l) { l.snapshot.listeners = Absent{}; }},
    };
    for (const auto& [says, change] : kUnknown) {
        CHECK(judged(change).reading == says);
        CHECK(judged(change).verdict == Verdict::Unknown);
    }
    const std::pair<const char*, std::function<void(Look&)>> kWrong[] = {
        {"the kernel routes 127.0.0.16 to eth0: it is not this host's own", [](Look& l) { l.snapshot.route = Route{"eth0", false, false}; }},
        {"it is not this host's own", [](Look& l) { l.snapshot.route = Route{"eth0", true, true}; }},
        {"Docker publishes nothing of infra", [](Look& l) { l.snapshot.docker.value().containers.clear(); }},
        {"Docker publishes nothing of infra",
         [](Look& l) {
             for (auto& c : l.snapshot.docker.value().containers) c.live_ports.clear();
         }},
        {"nobody listens on 127.0.0.16:9099",
         [](Look& l) {
             auto& sockets = l.snapshot.listeners.value();
             sockets.erase(std::remove(sockets.begin(), sockets.end(), HostSocket{"tcp", kAlias, 9099}), sockets.end());
         }},
    };
    for (const auto& [says, change] : kWrong) {
        INFO(says);
        CHECK(judged(change).reading.find(says) != std::string::npos);
        CHECK(judged(change).verdict == Verdict::Fails);
    }
}

TEST_CASE("decision: the mode takes the opt-in, a smolvm that the policy names, and a user who is not root") {
    const auto world = loopback_world();
    CHECK(choice(world.policy, world.host).problems.empty());
    CHECK(choice(world.policy, world.host).why == "the manifest says so");
    const auto problem = [&](const std::function<void(HostPolicy&, HostFacts&)>& change) {
        auto policy = world.policy;
        auto host = world.host;
        change(policy, host);
        const auto problems = choice(policy, host).problems;
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().place == Place{"bottle.yaml", 9, 11});
        CHECK_FALSE(problems.front().hint.empty());
        return problems.front().text;
    };
    CHECK(problem([](HostPolicy& p, HostFacts&) { p.network.tsi_loopback = false; }).find("tsi-loopback is off on this host") == 0);
    CHECK(problem([](HostPolicy& p, HostFacts& h) { p.smolvm.accept.clear(); h.accepted_smolvm.clear(); }).find("the host policy names no smolvm") == 0);
    CHECK(problem([](HostPolicy& p, HostFacts&) { p.smolvm.accept.clear(); }).find("the host policy names no smolvm") == 0);
    CHECK(problem([](HostPolicy&, HostFacts& h) { h.accepted_smolvm.clear(); }).find("the smolvm on PATH is none that the host policy names for tsi-loopback (1.1.2)") == 0);
    CHECK(problem([](HostPolicy&, HostFacts& h) { h.euid = 0; }).find("in mode tsi-loopback the VMM has bottle's own uid") == 0);
    CHECK(choice({}, {}).problems.size() == 3);
    // The way out names the file, and where there is none yet, what it is.
    for (const auto* file : {"", "/home/me/.config/bottle/config.yaml"}) {
        HostPolicy policy;
        policy.file = file;
        const std::string where = policy.file.empty() ? "the host policy" : policy.file;
        const auto off = choice(policy, world.host).problems;
        REQUIRE(off.size() == 2);
        CHECK(off.front().hint == "network.mode: bridge; or, as the host's owner, network: {tsiLoopback: true} in " + where);
        CHECK(off.back().hint.find("}]} in " + where + ", of one from 0.8.0 to 1.1.2") != std::string::npos);
        policy = world.policy;
        policy.file = file;
        const auto other = choice(policy, {}).problems;
        REQUIRE_FALSE(other.empty());
        CHECK(other.front().hint == "put that one first on PATH; sha256sum tells whether it is the one that " + where + " names");
    }
    for (const auto mode : {NetworkMode::Bridge, NetworkMode::Socket}) {
        CHECK(choice({}, {}, mode).problems.empty());
        REQUIRE(choice(world.policy, world.host, mode).problems.size() == 1);
        CHECK(choice(world.policy, world.host, mode).problems.front().text == "smolvm 1.1.2, which the host policy names, runs mode tsi-loopback and no other");
    }
}

TEST_CASE("decision: a machine that the policy does not let run is stopped, however well it is confined") {
    auto look = loopback_look();
    CHECK(evidence(look, EvidenceKind::Process).verdict == Verdict::Holds);
    look.desired.forbidden = "it is off";
    CHECK(evidence(look, EvidenceKind::Process).verdict == Verdict::Fails);
    CHECK(evidence(look, EvidenceKind::Process).reading == "it must not run: it is off");
}

// --- the row ---

TEST_CASE("list on TSI: the splice changes its keys and no other byte, and takes addresses of the loopback alone") {
    const auto created = created_row(loopback_look().desired.machine);
    const auto spliced = splice_loopback(created, "127.0.0.16/32");
    auto expected = Json::parse(created);
    expected["network"] = true;
    expected["allowed_cidrs"] = {"127.0.0.16/32"};
    CHECK(spliced == expected.dump());
    CHECK(splice_loopback(spliced, "127.0.0.16/32") == spliced);
    CHECK(splice_loopback(R"({"dns_filter_hosts":[],"network":false,"cpus":4})", "127.0.0.16/32") == R"({"network":true,"cpus":4,"allowed_cidrs":["127.0.0.16/32"]})");
    for (const auto* cidr : {"10.231.0.2/32", "127.0.0.0/8", "127.0.0.16", "127.0.0.016/32", "127.0.0.16/032", "128.0.0.1/32", "126.255.255.255/32", "::1/128", ""}) {
        INFO(cidr);
        CHECK_THROWS_AS(splice_loopback(created, cidr), Error);
    }
    CHECK_THROWS_AS(splice_loopback(created + "x", "127.0.0.16/32"), Error);
}

TEST_CASE("decision: the row of a machine on TSI has the one address, no name filter, and no key of a later smolvm") {
    const auto machine = loopback_look().desired.machine;
    const auto good = splice_loopback(created_row(machine), "127.0.0.16/32");
    CHECK(compare_row(good, machine, RowStage::Confined).empty());
    CHECK(compare_row(created_row(machine), machine, RowStage::Offline).empty());
    CHECK_FALSE(compare_row(created_row(machine), machine, RowStage::Confined).empty());
    auto named_offline = Json::parse(created_row(machine));
    named_offline["dns_filter_hosts"] = Json::array();
    CHECK(compare_row(named_offline.dump(), machine, RowStage::Offline).size() == 1);
    const auto keys = [&](const std::function<void(Json&)>& change) {
        auto row = Json::parse(good);
        change(row);
        std::string all;
        for (const auto& problem : compare_row(row.dump(), machine, RowStage::Confined)) all += problem.key + (problem.fix == RowFix::SetAllowlist ? " list;" : " anew;");
        return all;
    };
    for (const auto& list : {Json(nullptr), Json::array(), Json::array({"127.0.0.17/32"}), Json::array({"127.0.0.16/32", "127.0.0.17/32"}), Json::array({"127.0.0.0/8"})}) {
        INFO(list.dump());
        CHECK(keys([&](Json& row) { row["allowed_cidrs"] = list; }) == "allowed_cidrs list;");
    }
    CHECK(keys([](Json& row) { row["network"] = false; }) == "network list;");
    for (const auto& hosts : {Json::array(), Json::array({"example.com"}), Json(nullptr)}) CHECK(keys([&](Json& row) { row["dns_filter_hosts"] = hosts; }) == "dns_filter_hosts list;");
    for (const auto* key : {"network_backend", "published_sockets", "rosetta", "labels", "cuda", "docker_socket", "runtime_managed", "block_io", "staged_mounts", "secret_refs", "golden"}) {
        INFO(key);
        CHECK(keys([&](Json& row) { row[key] = Json::array(); }) == std::string(key) + " anew;");
    }
    for (const auto& [key, value] : {std::pair<const char*, Json>{"mounts", Json::array({1})}, {"ports", Json::array({1})}, {"ssh_agent", true}, {"gpu", true}, {"init", Json::array({"x"})}, {"cmd", Json::array()}}) {
        CHECK(keys([&, k = key, v = value](Json& row) { row[k] = v; }) == std::string(key) + " anew;");
    }
    // Written in another way.
    CHECK_FALSE(compare_row(good.substr(0, good.size() - 1) + " }", machine, RowStage::Confined).size() > 1);
    auto spaced = good;
    spaced.replace(spaced.find("[\"127.0.0.16/32\"]"), 17, "[ \"127.0.0.16/32\"]");
    CHECK(compare_row(spaced, machine, RowStage::Confined).size() == 1);
    // An address that is none of the loopback would have the host's name server added to it.
    auto elsewhere = machine;
    elsewhere.allowed_cidr = "10.231.0.2/32";
    auto row = Json::parse(good);
    row["allowed_cidrs"] = {"10.231.0.2/32"};
    CHECK(compare_row(row.dump(), elsewhere, RowStage::Confined).size() == 1);
    // Before 1.0.0 there is no command.
    auto older = machine;
    older.has_command = false;
    CHECK(compare_row(splice_loopback(created_row(older), "127.0.0.16/32"), older, RowStage::Confined).empty());
    CHECK_FALSE(compare_row(good, older, RowStage::Confined).empty());
    CHECK_FALSE(compare_row(splice_loopback(created_row(older), "127.0.0.16/32"), machine, RowStage::Confined).empty());
    // And another mode's row is none of these.
    CHECK_FALSE(compare_row(good, ready_look().desired.machine, RowStage::Confined).empty());
}

TEST_CASE("decision: a row says that it was made on TSI, or for a network, where another mode is asked for") {
    const auto tsi = loopback_look().desired.machine;
    const auto bridge = ready_look().desired.machine;
    const auto tsi_row = splice_loopback(created_row(tsi), tsi.allowed_cidr);
    const auto bridge_row = splice_allowlist(created_row(bridge), bridge.allowed_cidr);
    const auto first = [](const std::string& row, const Machine& machine) {
        const auto problems = compare_row(row, machine, RowStage::Confined);
        return problems.empty() ? RowProblem{} : problems.front();
    };
    CHECK(first(tsi_row, bridge) == RowProblem{"published_sockets", "it was made for network.mode tsi-loopback, and bridge is asked for: a machine keeps its mode", RowFix::Recreate});
    CHECK(first(bridge_row, tsi) == RowProblem{"published_sockets", "it was made for network.mode bridge, and tsi-loopback is asked for: a machine keeps its mode", RowFix::Recreate});
    // What is not whole a row on TSI is called by its values, and a list that was changed on a network is set again.
    const auto made_so = [&](const std::function<void(Json&)>& change) {
        auto row = Json::parse(tsi_row);
        change(row);
        return first(row.dump(), bridge).text.find("it was made for") == 0;
    };
    CHECK(made_so([](Json&) {}));
    CHECK_FALSE(made_so([](Json& row) { row["network"] = false; }));
    CHECK_FALSE(made_so([](Json& row) { row["dns_filter_hosts"] = Json::array(); }));
    for (const auto* key : {"block_io", "published_sockets", "labels"}) CHECK_FALSE(made_so([&](Json& row) { row[key] = nullptr; }));
    for (const auto& list : {Json(nullptr), Json("127.0.0.16/32"), Json::array(), Json::array({1}), Json::array({"127.0.0.0/8"}), Json::array({"127.0.0.16/32", "127.0.0.17/32"})}) {
        INFO(list.dump());
        CHECK_FALSE(made_so([&](Json& row) { row["allowed_cidrs"] = list; }));
    }
    auto opened = Json::parse(bridge_row);
    opened["allowed_cidrs"] = {"127.0.0.16/32"};
    REQUIRE(compare_row(opened.dump(), bridge, RowStage::Confined).size() == 1);
    CHECK(first(opened.dump(), bridge).fix == RowFix::SetAllowlist);
}

TEST_CASE("list on TSI: it is set on a machine that was made offline, and not written where it stands already") {
    auto world = loopback_world();
    const auto plan = look_and_plan(world, sample_on_loopback()).plan;
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return std::holds_alternative<SetAllowlist>(s.action); });
    REQUIRE(step != plan.steps.end());
    CHECK(std::get<SetAllowlist>(step->action).tsi);
    CHECK(std::get<SetAllowlist>(step->action).cidr == "127.0.0.16/32");
    auto ready = ready_world(sample_on_loopback());
    CHECK(Json::parse(ready.row->data)["allowed_cidrs"] == Json::array({"127.0.0.16/32"}));
    ready.kill_vmm();
    const auto again = look_and_plan(ready, sample_on_loopback()).plan;
    CHECK(std::none_of(again.steps.begin(), again.steps.end(), [](const Step& s) { return std::holds_alternative<SetAllowlist>(s.action); }));
}

TEST_CASE("decision: the running configuration of a machine on TSI is that of an older smolvm, whatever build the files look like") {
    auto look = loopback_look();
    const auto good = Json::parse(*look.machine().running_config);
    for (const auto& build : measured_builds()) CHECK(compare_running_config(good.dump(), look.desired.machine, build).empty());
    CHECK_FALSE(compare_running_config(good.dump(), ready_look().desired.machine, measured_builds().back()).empty());
    const std::pair<const char*, Json> kWrong[] = {{"network", false}, {"allowed_cidrs", nullptr}, {"allowed_cidrs", Json::array({"127.0.0.17/32"})}, {"cpus", 9}, {"memory_mib", 1}, {"gpu", true},
                                                   {"storage_gib", nullptr}, {"overlay_gib", 1}, {"network_backend", "virtio-net"}, {"cuda", false}};
    for (const auto& [key, value] : kWrong) {
        INFO(key);
        auto config = good;
        config["resources"][key] = value;
        CHECK(compare_running_config(config.dump(), look.desired.machine, measured_builds().back()).size() == 1);
    }
    for (const auto& [key, value] : {std::pair<const char*, Json>{"version", 2}, {"mounts", Json::array({1})}, {"ports", Json::array({1})}, {"forkable", false}}) {
        auto config = good;
        config[key] = value;
        CHECK(compare_running_config(config.dump(), look.desired.machine, measured_builds().back()).size() == 1);
    }
    CHECK(evidence(look, EvidenceKind::Config).reading.find("no channel that changes it") != std::string::npos);
    CHECK(evidence(look, EvidenceKind::Row).reading == "allowlist is exactly 127.0.0.16/32, no name server in it");
}

TEST_CASE("what is read in the source of each version of smolvm that has TSI") {
    const auto oldest = tsi_build("0.8.0", {{"smolvm", "a"}});
    CHECK(oldest.tsi);
    CHECK(oldest.digests.at("smolvm") == "a");
    for (const auto* version : {"0.8.0", "0.9.0"}) {
        CHECK_FALSE(tsi_build(version, {}).command_at_create);
        CHECK_FALSE(tsi_build(version, {}).secret_env);
    }
    for (const auto* version : {"0.8.0", "1.0.0", "1.0.1"}) CHECK_FALSE(tsi_build(version, {}).names_by_flag);
    for (const auto* version : {"1.0.2", "1.1.2"}) {
        CHECK(tsi_build(version, {}).names_by_flag);
        CHECK(tsi_build(version, {}).command_at_create);
        CHECK_FALSE(tsi_build(version, {}).labels);
        CHECK_FALSE(tsi_build(version, {}).json_errors);
    }
}
