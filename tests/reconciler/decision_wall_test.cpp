#include "reconciler/firewall.h"
#include "reconciler/guest_evidence.h"
#include "reconciler/plan_machine.h"
#include "reconciler/proof.h"
#include "reconciler/row.h"
#include "reconciler/smolvm_build.h"
#include "reconciler/wall.h"
#include "tests/guest/probe_result.h"
#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

#include <algorithm>

// A smolvm that logs no refusals (1.4.0): what a proof rests on instead, and that nothing is started where that is not there.
using namespace bottle;
using namespace bottle::model;
using nlohmann::json;
using Kind = ProbeTarget::Kind;
using Expect = ProbeTarget::Expect;
using Guest = ProbeResult::Guest;

namespace {

constexpr std::int64_t kUid = 2'900'000;
constexpr const char* kBundle = "10.231.0.2";

const SmolvmBuild& without_log() {
    return measured_builds().front();
}

/// The table with these packets counted: let through to each port, and refused.
std::string table(int accepted, int rejected, const std::vector<int>& ports = {9099}) {
    auto listing = json::parse(listed_firewall(kUid, kBundle, ports));
    for (auto& object : listing["nftables"]) {
        if (!object.contains("rule")) continue;
        const bool accepts = object["rule"]["expr"].back().contains("accept");
        for (auto& expression : object["rule"]["expr"]) {
            if (expression.contains("counter")) expression["counter"]["packets"] = accepts ? accepted : rejected;
        }
    }
    return listing.dump();
}

/// The same table, with a count that is none.
std::string uncounted(const std::string& listing) {
    auto changed = json::parse(listing);
    changed["nftables"].back()["rule"]["expr"][1]["counter"]["packets"] = "many";
    return changed.dump();
}

WallReading good_wall() {
    return {"1.4.0", FirewallRules{kUid, kBundle, {9099}}, kUid, table(3, 2), table(4, 2)};
}

struct WallCase {
    std::string says;
    std::function<void(WallReading&)> change;
};

ProbeResult refused(Kind kind, const std::string& address, Guest guest) {
    auto made = result(kind, Expect::Denied, address, guest);
    made.event_readable = false;
    return made;
}

Evidence evidence(const ProbeResult& one, const WallReading& wall) {
    return judge_guest({{}, "n", {one}, wall}).front();
}

/// Everything that the guest must not get, as 1.4.0 refuses it.
std::vector<ProbeResult> closed() {
    auto port = refused(Kind::BundlePort, kBundle, Guest::Data);
    port.target.expect = Expect::Reached;
    port.host_saw = true;
    return {port,
            with_listener(refused(Kind::Tcp, "10.231.0.1", Guest::Refused)),
            with_listener(refused(Kind::Udp, "10.231.0.1", Guest::TimedOut)),
            with_listener(refused(Kind::Tcp6, "::ffff:10.231.0.1", Guest::Refused)),
            refused(Kind::Tcp, "1.1.1.1", Guest::Refused),
            refused(Kind::Udp, "1.1.1.1", Guest::TimedOut),
            refused(Kind::DnsUdp, "1.1.1.1", Guest::Nxdomain),
            refused(Kind::DnsTcp, "100.96.0.1", Guest::Nxdomain),
            refused(Kind::Tcp6, "2001:db8::1", Guest::Refused),
            refused(Kind::Udp6, "2001:db8::1", Guest::TimedOut)};
}

/// A Ready look of a machine that runs on it.
Look look_without_log() {
    auto look = ready_look();
    look.start().binaries.front().size = without_log().program_size;
    look.snapshot.host.smolvm_size = without_log().program_size;
    return look;
}

std::optional<Evidence> firewall_evidence_of(const Look& look) {
    for (const auto& item : host_evidence(look.desired, look.snapshot, {})) {
        if (item.kind == EvidenceKind::Firewall) return item;
    }
    return std::nullopt;
}

/// The refusals of a start, one a line; empty where it may be started.
std::string refusals(const std::function<void(Look&)>& change, bool runs_on = false) {
    auto look = look_without_log();
    change(look);
    PlanBuilder builder(look.desired.name, look.desired.place);
    plan_machine(look.desired, look.snapshot, {}, runs_on, builder);
    std::string text;
    for (const auto& refusal : std::move(builder).finish().refusals) text += refusal.text + " | " + refusal.hint + "\n";
    return text;
}

}  // namespace

TEST_CASE("decision: a firewall speaks for a refusal when it is the machine's, as installed, and has counted the bundle's packets and no other") {
    const auto good = wall_of(good_wall());
    CHECK(good.doubt.empty());
    CHECK(good.names_doubt.empty());
    CHECK(good.words == "the firewall lets the machine reach nothing else and had nothing to refuse (smolvm 1.4.0 logs no refusals)");
    const WallCase doubts[] = {
        {"smolvm 1.4.0 logs no refusals, and no firewall stands", [](WallReading& w) { w.rules.reset(); }},
        {"the firewall is for uid 2900000, and the machine runs as uid 0", [](WallReading& w) { w.vmm_uid = 0; }},
        {"the firewall could not be read: denied", [](WallReading& w) { w.before = Unknown{"denied"}; }},
        {"the firewall could not be read: denied", [](WallReading& w) { w.after = Unknown{"denied"}; }},
        {"the firewall is gone", [](WallReading& w) { w.before = Absent{}; }},
        {"the firewall is gone", [](WallReading& w) { w.after = Absent{}; }},
        {"the firewall was changed: nothing lets 10.231.0.2 tcp 9099 through", [](WallReading& w) { w.before = table(3, 2, {}); }},
        {"the firewall was changed: nothing lets 10.231.0.2 tcp 9099 through", [](WallReading& w) { w.after = table(4, 2, {}); }},
        {"the firewall's counters cannot be read", [](WallReading& w) { w.before = uncounted(*w.before); }},
        {"the firewall's counters cannot be read", [](WallReading& w) { w.after = uncounted(*w.after); }},
        {"the firewall counted nothing of what the guest sent to its bundle: it does not see this machine", [](WallReading& w) { w.after = table(3, 2); }},
        {"the firewall counted nothing of what the guest sent to its bundle: it does not see this machine", [](WallReading& w) { w.after = table(2, 2); }},
        {"the firewall refused packets meanwhile: smolvm had let them out", [](WallReading& w) { w.after = table(4, 3); }},
        {"the firewall refused packets meanwhile: smolvm had let them out", [](WallReading& w) { w.after = table(4, 1); }},
    };
    for (const auto& one : doubts) {
        auto wall = good_wall();
        one.change(wall);
        CHECK(wall_of(wall) == Wall{one.says, "", ""});
    }
}

TEST_CASE("decision: through a firewall with a port 53 names may be asked for, and nothing else is doubted") {
    auto reading = good_wall();
    reading.rules->ports = {53, 9099};
    reading.before = table(3, 2, {53, 9099});
    reading.after = table(4, 2, {53, 9099});
    const auto wall = wall_of(reading);
    CHECK(wall.doubt.empty());
    CHECK(wall.names_doubt == "the firewall lets the machine reach port 53 of its bundle: names are not shown to be closed");
    for (const auto kind : {Kind::DnsUdp, Kind::DnsTcp}) CHECK(evidence(refused(kind, "1.1.1.1", Guest::Nxdomain), reading).verdict == Verdict::Unknown);
    CHECK(evidence(refused(Kind::Tcp, "1.1.1.1", Guest::Refused), reading).verdict == Verdict::Holds);
}

TEST_CASE("decision: without a denial log every refusal rests on the firewall") {
    const auto all = judge_guest({{}, "n", closed(), good_wall()});
    CHECK(guest_holds(all));
    auto doubted = good_wall();
    doubted.after = Absent{};
    for (const auto& one : closed()) {
        INFO(word_of(one.target.kind) << " " << one.target.address);
        const bool port = one.target.kind == Kind::BundlePort;
        const auto held = evidence(one, good_wall());
        CHECK(held.verdict == Verdict::Holds);
        CHECK((held.reading.find("(smolvm 1.4.0 logs no refusals)") != std::string::npos) == !port);
        const auto with_doubt = evidence(one, doubted);
        CHECK(with_doubt.verdict == (port ? Verdict::Holds : Verdict::Unknown));
        // Without the reading it is a smolvm whose log could not be read.
        CHECK(judge_guest({{}, "n", {one}}).front().verdict == (port ? Verdict::Holds : Verdict::Unknown));
        // What is in a file of that name is not this smolvm's.
        auto logged = with_event(one);
        logged.event_readable = true;
        CHECK(evidence(logged, doubted).verdict == (port ? Verdict::Holds : Verdict::Unknown));
        if (port) continue;
        auto through = one;
        through.guest = Guest::Data;
        CHECK(evidence(through, good_wall()).verdict == Verdict::Fails);
        auto hit = with_listener(one, 1);
        if (one.target.name.empty()) CHECK(evidence(hit, good_wall()).verdict == Verdict::Fails);
    }
    // The listener, where one can stand, is needed all the same; and a timeout is no refusal.
    for (const auto kind : {Kind::Tcp, Kind::Udp}) CHECK(evidence(refused(kind, "10.231.0.1", Guest::Refused), good_wall()).verdict == Verdict::Unknown);
    CHECK(evidence(with_listener(refused(Kind::Tcp, "10.231.0.1", Guest::TimedOut)), good_wall()).verdict == Verdict::Unknown);
    CHECK(evidence(refused(Kind::Tcp, "1.1.1.1", Guest::TimedOut), good_wall()).verdict == Verdict::Fails);
    for (const auto guest : {Guest::TimedOut, Guest::Refused}) CHECK(evidence(refused(Kind::DnsUdp, "1.1.1.1", guest), good_wall()).verdict == Verdict::Unknown);
    // Over IPv6 a listener that met nobody, or no route, is enough, as with a log.
    CHECK(evidence(with_listener(refused(Kind::Tcp6, "fd53::1", Guest::Refused)), doubted).verdict == Verdict::Holds);
    CHECK(evidence(refused(Kind::Tcp6, "2001:db8::1", Guest::Unreachable), doubted).verdict == Verdict::Holds);
}

TEST_CASE("decision: the words say whether a listener met nobody") {
    const auto says = [](const ProbeResult& one, const std::string& words) { return evidence(one, good_wall()).reading.find("; " + words) != std::string::npos; };
    CHECK(says(with_listener(refused(Kind::Tcp, "10.231.0.1", Guest::Refused)), "the listener there met nobody, and the firewall"));
    CHECK(says(refused(Kind::Tcp, "1.1.1.1", Guest::Refused), "the firewall lets"));
    CHECK(says(refused(Kind::DnsUdp, "1.1.1.1", Guest::Nxdomain), "no resolver can have been asked: the firewall lets"));
}

TEST_CASE("decision: the stored reading tells what the firewall counted") {
    auto wall = good_wall();
    const auto text = json::parse(raw_text({{}, "n", {}, wall}));
    CHECK(text["firewall"] == json{{"smolvm", "1.4.0"}, {"vmmUid", kUid}, {"before", {{"accepted", 3}, {"rejected", 2}}}, {"after", {{"accepted", 4}, {"rejected", 2}}}});
    wall.before = Unknown{"denied"};
    wall.after = Absent{};
    const auto unread = json::parse(raw_text({{}, "n", {}, wall}))["firewall"];
    CHECK(unread["before"] == "could not be read: denied");
    CHECK(unread["after"] == "absent");
    CHECK_FALSE(json::parse(raw_text({{}, "n", {}})).contains("firewall"));
}

TEST_CASE("decision: a machine whose smolvm logs no refusals has the firewall's evidence, or fails") {
    const std::string rests = "; smolvm 1.4.0 logs no refusals: what the guest may not reach rests on this";
    auto look = look_without_log();
    auto found = firewall_evidence_of(look);
    REQUIRE(found);
    CHECK(found->verdict == Verdict::Holds);
    CHECK(found->reading.find(rests) != std::string::npos);
    CHECK(firewall_evidence_of(ready_look())->reading.find(rests) == std::string::npos);
    look.snapshot.firewall = Absent{};
    CHECK(firewall_evidence_of(look)->verdict == Verdict::Fails);
    look.desired.firewall.reset();
    look.desired.no_firewall = "the manifest says so";
    found = firewall_evidence_of(look);
    REQUIRE(found);
    CHECK(*found == Evidence{EvidenceKind::Firewall, Verdict::Fails, "smolvm 1.4.0 logs no refusals: without a firewall nothing on the host tells of one (the manifest says so)", {}});
}

TEST_CASE("decision: which smolvm runs is told by our last start alone") {
    auto look = look_without_log();
    look.snapshot.host.smolvm_size = -1;
    CHECK(started_build(look.snapshot.stored).version == "1.4.0");
    const auto newest = measured_builds().back().version;
    auto none = look;
    none.start().binaries.clear();
    CHECK(started_build(none.snapshot.stored).version == newest);
    none.snapshot.stored.value().start.reset();
    CHECK(started_build(none.snapshot.stored).version == newest);
    none.snapshot.stored = Unknown{"broken"};
    CHECK(started_build(none.snapshot.stored).version == newest);
}

TEST_CASE("decision: a smolvm that cannot do what a start needs is refused before anything is made") {
    const std::string newer = "put smolvm 1.32.2 first on PATH (python3 -m pip download --no-deps smolmachines==1.32.2)";
    CHECK(refusals([](Look&) {}).empty());
    const auto no_firewall = [](Look& l) {
        l.desired.firewall.reset();
        l.desired.no_firewall = "it takes CAP_NET_ADMIN";
    };
    CHECK(refusals(no_firewall) ==
          "smolvm 1.4.0 logs no refusals: a proof rests on the firewall, and there is none: it takes CAP_NET_ADMIN | " + newer +
              "; or as root, with nftables and without network.firewall: \"off\"\n");
    const auto names = [](Look& l) { l.desired.firewall->ports = {53, 9099}; };
    CHECK(refusals(names).find("smolvm 1.4.0 logs no refusals, and the firewall lets the machine reach port 53 of the bundle: names could not be shown to be closed | " + newer +
                               "; or another port in the bundle\n") == 0);
    const auto socket = [&](Look& l) {
        no_firewall(l);
        l.desired.machine.socket = MountedSocket{"/run/bottle/2900000/proxy.sock", "/run/bottle/proxy.sock"};
    };
    CHECK(refusals(socket).find("smolvm 1.4.0 mounts no socket, and mode socket needs one | " + newer + "; or network.mode: bridge\n") == 0);
    CHECK(refusals(socket).find("logs no refusals") == std::string::npos);

    // A machine that runs on is another matter: its evidence speaks.
    CHECK(refusals(no_firewall, true).empty());
    for (const auto& change : std::vector<std::function<void(Look&)>>{no_firewall, names, socket}) {
        for (const auto size : {std::int64_t{-1}, measured_builds().at(1).program_size, measured_builds().back().program_size}) {
            const auto said = refusals([&](Look& l) {
                change(l);
                l.snapshot.host.smolvm_size = size;
            });
            CHECK(said.find("smolvm") != 0);
        }
    }
}

TEST_CASE("decision: a row without labels is ours by its place, and one without its mounted socket is not as asked for") {
    const auto look = ready_look();
    auto row = json::parse(look.snapshot.machine.row->data);
    row.erase("labels");
    CHECK(compare_row(row.dump(), look.desired.machine, RowStage::Confined).empty());
    row["labels"] = json::object();
    CHECK(compare_row(row.dump(), look.desired.machine, RowStage::Confined).size() == 1);
    row.erase("labels");
    auto machine = look.desired.machine;
    row.erase("published_sockets");
    CHECK(compare_row(row.dump(), machine, RowStage::Confined).empty());
    machine.socket = MountedSocket{"/run/bottle/2900000/proxy.sock", "/run/bottle/proxy.sock"};
    const auto problems = compare_row(row.dump(), machine, RowStage::Offline);
    CHECK(std::any_of(problems.begin(), problems.end(), [](const RowProblem& one) { return one.key == "published_sockets"; }));
}

TEST_CASE("decision: a table's packets are counted rule by rule") {
    const auto traffic = firewall_traffic(table(3, 2, {9098, 9099}));
    REQUIRE(traffic);
    CHECK(traffic->accepted == 6);
    CHECK(traffic->rejected == 2);
    // By what is in a rule, wherever it stands.
    CHECK(firewall_traffic(R"({"nftables":[{"rule":{"expr":[{"accept":null},{"counter":{"packets":5}}]}}]})")->accepted == 5);
    CHECK_FALSE(firewall_traffic(R"({"nftables":[],"nftables":[]})"));
    CHECK_FALSE(firewall_traffic("{"));
    CHECK_FALSE(firewall_traffic("{}"));
    CHECK_FALSE(firewall_traffic(R"({"nftables":[{"rule":7}]})"));
    CHECK_FALSE(firewall_traffic(uncounted(table(3, 2))));
}
