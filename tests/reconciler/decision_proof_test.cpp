#include "reconciler/proof.h"
#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

// What a stored proof is bound to, how evidence is judged, and what counts as alive.
using namespace bottle;
using namespace bottle::model;

namespace {

constexpr auto kHolds = Verdict::Holds;
constexpr auto kFails = Verdict::Fails;
constexpr auto kUnknown = Verdict::Unknown;

Evidence item(EvidenceKind kind, Verdict verdict, const char* reading = "") {
    return {kind, verdict, reading, {}};
}

std::string guest_reading(const Look& look) {
    const auto evidence = guest_evidence(look.desired, look.snapshot);
    REQUIRE(evidence.size() == 1);
    CHECK(evidence.front().kind == EvidenceKind::Guest);
    CHECK(evidence.front().verdict == kUnknown);
    return evidence.front().reading;
}

MachineView machine(Observation<std::vector<VmmProcess>> processes, Observation<bool> lock) {
    MachineView view;
    view.processes = std::move(processes);
    view.lock_held = std::move(lock);
    return view;
}

}  // namespace

TEST_CASE("decision: a proof is bound to boot, process, row, infra, networks, ports and files") {
    auto look = ready_look();
    const auto key = proof_key(look.desired, look.snapshot);
    REQUIRE(key);
    CHECK(key->boot_id == "boot-1");
    CHECK(key->pid == look.vmm().pid);
    CHECK(key->start_time == look.vmm().start_time);
    CHECK(key->row_digest == *look.machine().row_digest);
    CHECK(key->ports == std::vector<std::string>{"egress proxy 9099"});
    CHECK(key->binaries_digest == binaries_text(look.start().binaries));
    std::vector<std::string> networks;
    for (const auto& want : look.desired.networks) {
        for (const auto& network : look.snapshot.docker->networks) {
            if (network.is.name == want.name) networks.push_back(network.id);
        }
    }
    CHECK(networks.size() == 2);
    CHECK(key->network_ids == networks);
    for (const auto& container : look.snapshot.docker->containers) {
        const bool is_infra = container.is.name == "bottle-docs-writer-infra";
        CHECK((key->infra_id == container.id) == is_infra);
        if (is_infra) CHECK(key->infra_started_at == container.started_at);
    }
}

TEST_CASE("decision: nothing can be proved of what is not there, or not one") {
    const LookCase cases[] = {
        {"Docker", [](Look& l) { l.snapshot.docker = Unknown{"refused"}; }},
        {"our records", [](Look& l) { l.snapshot.stored = Unknown{"broken"}; }},
        {"a start of ours", [](Look& l) { l.snapshot.stored.value().start.reset(); }},
        {"the row's digest", [](Look& l) { l.machine().row_digest = Absent{}; }},
        {"the processes", [](Look& l) { l.machine().processes = Unknown{"denied"}; }},
        {"no process", [](Look& l) { l.machine().processes.value().clear(); }},
        {"two processes", [](Look& l) { l.machine().processes.value().push_back(l.vmm()); }},
        {"a bundle", [](Look& l) { l.desired.containers = std::vector<Container>(); }},
        {"infra", [](Look& l) { l.desired.containers.front().name = "other"; }},
    };
    for (const auto& one : cases) {
        INFO(one.says);
        auto look = ready_look();
        one.change(look);
        CHECK_FALSE(proof_key(look.desired, look.snapshot));
        if (look.snapshot.stored.present()) CHECK(guest_reading(look) == "no proof of this boot");
    }
}

TEST_CASE("decision: a stored proof counts while nothing that it is bound to changed") {
    const auto ready = ready_look();
    CHECK(guest_evidence(ready.desired, ready.snapshot) == ready.snapshot.stored->proof->evidence);
    CHECK(all_evidence(ready.desired, ready.snapshot, {}).size() == host_evidence(ready.desired, ready.snapshot, {}).size() + ready.snapshot.stored->proof->evidence.size());
    const LookCase cases[] = {
        {"our own record of the proof could not be read: broken", [](Look& l) { l.snapshot.stored = Unknown{"broken"}; }},
        {"our own record of the proof is not there", [](Look& l) { l.snapshot.stored = Absent{}; }},
        {"no proof of this boot", [](Look& l) { l.snapshot.stored.value().proof.reset(); }},
        {"no proof of this boot", [](Look& l) { l.proof().evidence.clear(); }},
        {"no proof of this boot", [](Look& l) { l.proof().key.boot_id = "boot-0"; }},
        {"no proof of this boot", [](Look& l) { l.proof().key.pid += 1; }},
        {"no proof of this boot", [](Look& l) { l.proof().key.start_time += 1; }},
        {"the row changed since the proof", [](Look& l) { l.proof().key.row_digest = "other"; }},
        {"infra was made anew since the proof", [](Look& l) { l.proof().key.infra_id = "other"; }},
        {"infra was started again since the proof", [](Look& l) { l.proof().key.infra_started_at = "earlier"; }},
        {"a network was made anew since the proof", [](Look& l) { l.proof().key.network_ids.pop_back(); }},
        {"the bundle's ports are others than those that were proved", [](Look& l) { l.proof().key.ports.clear(); }},
        {"smolvm's files changed since the proof", [](Look& l) { l.proof().key.binaries_digest = "other"; }},
    };
    for (const auto& one : cases) {
        auto look = ready;
        one.change(look);
        CHECK(guest_reading(look) == one.says);
    }
}

TEST_CASE("decision: evidence is judged by the worst of it, and what is required must be there") {
    const auto row = EvidenceKind::Row;
    const auto guest = EvidenceKind::Guest;
    CHECK(judge({}, {}) == kUnknown);
    CHECK(judge({}, {item(row, kHolds)}) == kUnknown);
    CHECK(judge({row}, {}) == kUnknown);
    CHECK(judge({row}, {item(guest, kHolds)}) == kUnknown);
    CHECK(judge({row, guest}, {item(row, kHolds)}) == kUnknown);
    CHECK(judge({row, guest}, {item(row, kHolds), item(guest, kHolds), item(guest, kHolds)}) == kHolds);
    CHECK(judge({row}, {item(row, kUnknown)}) == kUnknown);
    CHECK(judge({row}, {item(row, kFails)}) == kFails);
    CHECK(judge({row}, {item(row, kHolds), item(guest, kUnknown)}) == kUnknown);
    CHECK(judge({row}, {item(row, kHolds), item(guest, kFails)}) == kFails);
    CHECK(judge({row}, {item(row, kUnknown), item(row, kFails)}) == kFails);
    CHECK(judge({row}, {item(row, kFails), item(row, kUnknown)}) == kFails);
    CHECK(judge({row, guest}, {item(row, kFails)}) == kFails);
}

TEST_CASE("decision: what is said first is what fails, then what is unknown") {
    CHECK(first_doubt({}).empty());
    CHECK(first_doubt({item(EvidenceKind::Row, kHolds, "a")}).empty());
    CHECK(first_doubt({item(EvidenceKind::Row, kHolds, "a"), item(EvidenceKind::Guest, kUnknown, "b")}) == "guest: b");
    CHECK(first_doubt({item(EvidenceKind::Guest, kUnknown, "b"), item(EvidenceKind::Row, kFails, "c"), item(EvidenceKind::Bundle, kFails, "d")}) == "row: c");
}

TEST_CASE("decision: a machine is dead only where both its process and its lock say so") {
    const std::vector<VmmProcess> none;
    const std::vector<VmmProcess> one(1);
    const Unknown why{"denied"};
    CHECK(life_of(machine(one, false)) == Life::Alive);
    CHECK(life_of(machine(one, why)) == Life::Alive);
    CHECK(life_of(machine(none, true)) == Life::Alive);
    CHECK(life_of(machine(why, true)) == Life::Alive);
    CHECK(life_of(machine(Absent{}, true)) == Life::Alive);
    CHECK(life_of(machine(none, why)) == Life::Unknown);
    CHECK(life_of(machine(why, false)) == Life::Unknown);
    CHECK(life_of(machine(why, why)) == Life::Unknown);
    CHECK(life_of(machine(none, false)) == Life::Dead);
    CHECK(life_of(machine(Absent{}, Absent{})) == Life::Dead);
}
