#include "reconciler/proof.h"
#include "reconciler/smolvm_build.h"
#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

#include <algorithm>

// Each kind of host evidence, asked for itself: one thing is different from a look at a bottle that is Ready, and the very doubt is named.
using namespace bottle;
using namespace bottle::model;

namespace {

std::optional<Evidence> evidence_of(EvidenceKind kind, const Look& look, const std::vector<Change>& changes = {}) {
    const auto all = host_evidence(look.desired, look.snapshot, changes);
    const auto found = std::find_if(all.begin(), all.end(), [&](const Evidence& e) { return e.kind == kind; });
    return found == all.end() ? std::nullopt : std::optional(*found);
}

void check(EvidenceKind kind, Verdict verdict, const std::vector<LookCase>& cases) {
    for (const auto& one : cases) {
        INFO(one.says);
        auto look = ready_look();
        one.change(look);
        const auto evidence = evidence_of(kind, look);
        REQUIRE(evidence);
        INFO(evidence->reading);
        CHECK(evidence->verdict == verdict);
        CHECK(evidence->reading.find(one.says) != std::string::npos);
    }
}

using FileChange = void (*)(FileIdentity&);
const FileChange kOtherFile[] = {[](FileIdentity& f) { f.device += 1; }, [](FileIdentity& f) { f.inode += 1; }, [](FileIdentity& f) { f.size += 1; },
                                 [](FileIdentity& f) { f.mtime_ns += 1; }, [](FileIdentity& f) { f.ctime_ns += 1; }};

/// As another user than root sees its own machine.
void as_user(Look& look) {
    look.desired.allocation.vmm_uid = 0;
    look.vmm().hidden = "only root may look into it";
    look.vmm().executable = {};
    look.vmm().libraries.clear();
    look.vmm().environment.clear();
}

/// And where the kernel keeps nothing of it but the mapped libraries.
void as_user_who_sees_the_program(Look& look) {
    look.desired.allocation.vmm_uid = 0;
    look.vmm().hidden = "only root may see which libraries it maps";
    look.vmm().libraries.clear();
}

}  // namespace

TEST_CASE("decision: a look at a Ready bottle has every evidence once, and all of it holds") {
    const auto look = ready_look();
    const auto all = host_evidence(look.desired, look.snapshot, {});
    std::vector<EvidenceKind> kinds;
    for (const auto& item : all) {
        INFO(item.reading);
        CHECK(item.verdict == Verdict::Holds);
        kinds.push_back(item.kind);
    }
    CHECK(kinds == std::vector<EvidenceKind>{EvidenceKind::Row, EvidenceKind::Process, EvidenceKind::Config, EvidenceKind::Bundle, EvidenceKind::Firewall});
    auto without = look;
    without.desired.firewall.reset();
    CHECK(host_evidence(without.desired, without.snapshot, {}).size() == 4);
    CHECK_FALSE(evidence_of(EvidenceKind::Firewall, without));
}

TEST_CASE("decision: the row's evidence") {
    check(EvidenceKind::Row, Verdict::Unknown,
          {{"the machine's row could not be read: locked", [](Look& l) { l.machine().row = Unknown{"locked"}; }},
           {"the machine's row is not there", [](Look& l) { l.machine().row = Absent{}; }},
           {"the row's digest could not be read: locked", [](Look& l) { l.machine().row_digest = Unknown{"locked"}; }},
           {"the row's digest is not there", [](Look& l) { l.machine().row_digest = Absent{}; }}});
    check(EvidenceKind::Row, Verdict::Fails,
          {{"the row is TEXT", [](Look& l) { l.machine().row.value().is_blob = false; }},
           {"the guest may reach every address", [](Look& l) { l.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; }); }},
           {"the row cannot be trusted", [](Look& l) { l.machine().row.value().data = "{"; }}});
}

TEST_CASE("decision: the process's evidence is of one process, that of our last start") {
    check(EvidenceKind::Process, Verdict::Unknown,
          {{"the VMM's process could not be read: denied", [](Look& l) { l.machine().processes = Unknown{"denied"}; }},
           {"the VMM's process is not there", [](Look& l) { l.machine().processes = Absent{}; }},
           {"our own record of the start could not be read: broken", [](Look& l) { l.snapshot.stored = Unknown{"broken"}; }},
           {"our own record of the start is not there", [](Look& l) { l.snapshot.stored = Absent{}; }},
           {"the machine's row is not there", [](Look& l) { l.machine().row = Absent{}; }}});
    check(EvidenceKind::Process, Verdict::Fails,
          {{"0 processes run this machine", [](Look& l) { l.machine().processes.value().clear(); }},
           {"2 processes run this machine", [](Look& l) { l.machine().processes.value().push_back(l.vmm()); }},
           {"no start of ours is recorded for it", [](Look& l) { l.snapshot.stored.value().start.reset(); }},
           {"is not the one that our last start made", [](Look& l) { l.start().boot_id = "boot-0"; }},
           {"is not the one that our last start made", [](Look& l) { l.start().pid += 1; }},
           {"is not the one that our last start made", [](Look& l) { l.start().start_time += 1; }},
           {"the row is another than the one verified before the start", [](Look& l) { l.start().row_digest = "other"; }},
           {"the row is another than the one verified before the start", [](Look& l) { l.machine().row_digest = Absent{}; }},
           {"the row does not say that it runs", [](Look& l) { l.machine().row.value().data = "{"; }},
           {"the row does not say that it runs", [](Look& l) { l.change_row([](auto& row) { row["state"] = "stopped"; }); }},
           {"the row does not say that it runs", [](Look& l) { l.change_row([](auto& row) { row["pid"] = 1; }); }},
           {"the row does not say that it runs", [](Look& l) { l.change_row([](auto& row) { row["pid_start_time"] = 1; }); }},
           {"it runs as uid 0, not as", [](Look& l) { l.vmm().uid = 0; }},
           {"no libkrun is mapped in it", [](Look& l) { l.vmm().libraries.clear(); }},
           {"its environment has LD_PRELOAD", [](Look& l) { l.vmm().environment["LD_PRELOAD"] = "/tmp/x.so"; }},
           {"it cannot be looked into: denied", [](Look& l) { l.vmm().hidden = "denied"; }}});
    for (const auto change : kOtherFile) {
        check(EvidenceKind::Process, Verdict::Fails,
              {{"its executable is not the smolvm that was verified", [change](Look& l) { change(l.vmm().executable); }},
               {"a mapped library is not the one that was verified", [change](Look& l) { change(l.vmm().libraries.back()); }}});
    }
}

TEST_CASE("decision: a hidden process of the user's own holds while the files are as they were") {
    check(EvidenceKind::Process, Verdict::Holds, {{"whose files are as they were", as_user}});
    const auto hidden = [](const std::function<void(Look&)>& change) {
        return [change](Look& l) {
            as_user(l);
            change(l);
        };
    };
    check(EvidenceKind::Process, Verdict::Fails,
          {{"cannot be looked at again: denied", hidden([](Look& l) { l.machine().started_files = Unknown{"denied"}; })},
           {"cannot be looked at again: one is gone", hidden([](Look& l) { l.machine().started_files = Absent{}; })},
           {"smolvm's files changed since it was started", hidden([](Look& l) { l.machine().started_files.value().front().inode += 1; })}});
}

TEST_CASE("decision: of a process whose libraries alone are hidden, what is shown must be as verified, too") {
    check(EvidenceKind::Process, Verdict::Holds, {{"only root can see which libraries it maps", as_user_who_sees_the_program}});
    const auto shown = [](const std::function<void(Look&)>& change) {
        return [change](Look& l) {
            as_user_who_sees_the_program(l);
            change(l);
        };
    };
    check(EvidenceKind::Process, Verdict::Fails,
          {{"smolvm's files changed since it was started", shown([](Look& l) { l.machine().started_files.value().front().inode += 1; })},
           {"its environment has LD_PRELOAD", shown([](Look& l) { l.vmm().environment["LD_PRELOAD"] = "/tmp/x.so"; })},
           {"it cannot be looked into: only root", shown([](Look& l) { l.desired.allocation.vmm_uid = l.vmm().uid; })}});
    for (const auto change : kOtherFile) {
        check(EvidenceKind::Process, Verdict::Fails, {{"its executable is not the smolvm that was verified", shown([change](Look& l) { change(l.vmm().executable); })}});
    }
}

TEST_CASE("decision: the running configuration's evidence") {
    check(EvidenceKind::Config, Verdict::Unknown,
          {{"agent.config.json could not be read: denied", [](Look& l) { l.machine().running_config = Unknown{"denied"}; }},
           {"agent.config.json is not there", [](Look& l) { l.machine().running_config = Absent{}; }},
           {"the VM folder could not be read: denied", [](Look& l) { l.machine().live_channels = Unknown{"denied"}; }}});
    check(EvidenceKind::Config, Verdict::Fails,
          {{"egress.sock is there", [](Look& l) { l.machine().live_channels = std::set<std::string>{"egress.sock"}; }},
           {"agent.config.json cannot be trusted", [](Look& l) { l.machine().running_config = std::string("{"); }},
           {"the running configuration has the unknown key", [](Look& l) { l.start().binaries.front().size = measured_builds().front().program_size; }}});
    check(EvidenceKind::Config, Verdict::Holds,
          {{"the running configuration is as requested", [](Look& l) { l.start().binaries.clear(); }}, {"the running configuration is as requested", [](Look& l) {
                l.start().binaries.front().size = measured_builds().front().program_size;
                auto config = nlohmann::json::parse(*l.machine().running_config);
                config.erase("forkable");
                for (const auto& key : measured_builds().front().no_resources) config["resources"].erase(key);
                l.machine().running_config = config.dump();
            }}});
}

TEST_CASE("decision: the bundle's evidence is of our bridge, with nothing wider") {
    check(EvidenceKind::Bundle, Verdict::Unknown,
          {{"Docker could not be read: refused", [](Look& l) { l.snapshot.docker = Unknown{"refused"}; }},
           {"Docker is not there", [](Look& l) { l.snapshot.docker = Absent{}; }},
           {"a route to the bundle address could not be read: netlink", [](Look& l) { l.snapshot.route = Unknown{"netlink"}; }},
           {"a route to the bundle address is not there", [](Look& l) { l.snapshot.route = Absent{}; }}});
    check(EvidenceKind::Bundle, Verdict::Fails,
          {{"the internal network is not there", [](Look& l) { l.desired.networks.front().name = "other"; }},
           {"to eth0, not to the bridge", [](Look& l) { l.snapshot.route.value().device = "eth0"; }},
           {"not to the bridge", [](Look& l) { l.snapshot.route.value().local = true; }},
           {"not to the bridge", [](Look& l) { l.snapshot.route.value().via_gateway = true; }}});

    Change change;
    change.kind = "container";
    change.name = "curious";
    change.cause = "somebody else's";
    CHECK(evidence_of(EvidenceKind::Bundle, ready_look(), {change})->verdict == Verdict::Holds);
    auto wider = change;
    wider.name = "infra";
    wider.reach = Reach::Wider;
    const auto evidence = evidence_of(EvidenceKind::Bundle, ready_look(), {change, wider});
    CHECK(evidence->verdict == Verdict::Fails);
    CHECK(evidence->reading == in_words(wider));
}

TEST_CASE("decision: the firewall's evidence is of rules that stood before the start") {
    check(EvidenceKind::Firewall, Verdict::Unknown, {{"the firewall could not be read: denied", [](Look& l) { l.snapshot.firewall = Unknown{"denied"}; }}});
    const std::string late = "the machine was started before its firewall stood";
    check(EvidenceKind::Firewall, Verdict::Fails,
          {{"is gone: smolvm alone holds the machine", [](Look& l) { l.snapshot.firewall = Absent{}; }},
           {"was changed: nothing refuses the rest",
            [](Look& l) {
                auto listing = nlohmann::json::parse(*l.snapshot.firewall);
                listing["nftables"].erase(listing["nftables"].size() - 1);
                l.snapshot.firewall = listing.dump();
            }},
           {late, [](Look& l) { l.snapshot.stored = Unknown{"broken"}; }},
           {late, [](Look& l) { l.snapshot.stored.value().start.reset(); }},
           {late, [](Look& l) { l.start().firewalled = false; }}});
}
