#include "reconciler/plan_machine.h"
#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

// What is planned of a machine that may run on, and of one that is started: the steps in order, each with its cause.
using namespace bottle;
using namespace bottle::model;

namespace {

Plan planned(const Look& look, bool runs_on, const PlanOptions& options = {}) {
    PlanBuilder builder(look.desired.name, look.desired.place);
    plan_machine(look.desired, look.snapshot, options, runs_on, builder);
    return std::move(builder).finish();
}

/// "seal (open after each start), prove (…)": in order.
std::string running(const std::function<void(Look&)>& change, const PlanOptions& options = {}) {
    auto look = ready_look();
    change(look);
    std::string text;
    for (const auto& step : planned(look, true, options).steps) text += (text.empty() ? "" : ", ") + step.kind + " (" + step.cause + ")" + (step.part_of.empty() ? "" : "*");
    return text;
}

/// The kinds of the steps from a dead machine on; a refusal's text instead, where there is one.
std::string starting(const std::function<void(Look&)>& change, const PlanOptions& options = {}) {
    auto look = ready_look();
    change(look);
    const auto plan = planned(look, false, options);
    if (!plan.refusals.empty()) return plan.refusals.front().text;
    std::string text;
    for (const auto& step : plan.steps) text += (text.empty() ? "" : " ") + step.kind;
    return text;
}

Step first_step(const std::function<void(Look&)>& change) {
    auto look = ready_look();
    change(look);
    return planned(look, false).steps.front();
}

const std::string kStart = "start seal prove provision launch";
const std::string kSeal = "seal (open after each start)";
const std::string kProve = "prove (no proof of this boot)";

void unprove(Look& look) {
    look.snapshot.stored.value().proof.reset();
}
void unseal(Look& look) {
    look.machine().live_channels = std::set<std::string>{"egress.sock"};
}
void copied(Look& look) {
    look.desired.image_source = {ImageSource::Kind::Rootfs, "/srv/source"};
    look.machine().image_copy = ImageCopy{"/srv/source", "source 1", "copy 1"};
    look.machine().image_listing = std::string("copy 1");
    look.machine().source_listing = std::string("source 1");
}

}  // namespace

TEST_CASE("decision: of a machine that runs on, only what this boot lacks is done") {
    PlanOptions verify;
    verify.prove_again = true;
    CHECK(running([](Look&) {}).empty());
    CHECK(running(unseal).empty());
    CHECK(running(unprove) == kProve);
    CHECK(running([](Look& l) {
              unprove(l);
              unseal(l);
          }) == kSeal + ", " + kProve);
    CHECK(running([](Look&) {}, verify) == "prove (asked for)");
    CHECK(running(unprove, verify) == kProve);
    CHECK(running([](Look& l) { l.proof().evidence.front().verdict = Verdict::Unknown; }) == kProve);
    CHECK(running([](Look& l) { l.snapshot.stored.value().provisioned.reset(); }) == "provision (not done in this boot)");
    CHECK(running([](Look& l) { l.snapshot.workload = Absent{}; }) == "launch (not running)");
    CHECK(running([](Look& l) {
              l.snapshot.stored.value().provisioned.reset();
              l.snapshot.workload = Absent{};
          }) == "provision (not done in this boot)*, launch (not running)");
    CHECK(running([](Look& l) { l.snapshot.workload.value().state = WorkloadExited{7}; }) == "launch (exited with 7)");
    CHECK(running([](Look& l) { l.snapshot.workload.value().state = WorkloadExited{0}; }).empty());
    CHECK(running([](Look& l) { l.snapshot.workload = Unknown{"denied"}; }).empty());
    CHECK(running([](Look& l) {
              l.desired.workload.reset();
              l.snapshot.workload = Absent{};
          }).empty());
    CHECK(running([](Look& l) {
              l.desired.workload.reset();
              l.snapshot.workload.value().state = WorkloadExited{7};
          }).empty());
}

TEST_CASE("decision: after each start the machine is sealed and proved before the agent's command") {
    CHECK(starting([](Look&) {}) == kStart);
    CHECK(starting([](Look& l) { l.desired.workload.reset(); }) == "start seal prove provision");
    CHECK(first_step([](Look&) {}).cause == "not running");
}

TEST_CASE("decision: a machine whose first start was not proved is made anew, and no other") {
    const auto begun = [](Look& l) { l.snapshot.stored.value().unproved = Unproved::Started; };
    CHECK(starting(begun) == "machine claim machine allowlist " + kStart);
    const auto step = first_step(begun);
    CHECK(std::holds_alternative<DeleteMachine>(step.action));
    CHECK(step.cause == "its first start was not proved");
    CHECK(step.cost == Cost::Nothing);
    CHECK(starting([](Look& l) { l.snapshot.stored.value().unproved = Unproved::Created; }) == kStart);
    CHECK(starting([&](Look& l) {
              begun(l);
              l.machine().row = Absent{};
              l.machine().vm_folder = false;
          }) == "machine allowlist " + kStart);
    // Whose row that is nobody can say any more: it is not ours to delete.
    CHECK(starting([&](Look& l) {
              begun(l);
              l.change_row([](auto& row) { row["more"] = 1; });
          }).find("more") != std::string::npos);
    CHECK(running(begun).empty());
}

TEST_CASE("decision: the VM folder is claimed for the bottle's uid, and never taken from another") {
    CHECK(starting([](Look& l) { l.machine().uid_claim = Absent{}; }) == "claim " + kStart);
    CHECK(starting([](Look& l) { l.machine().uid_claim = std::int64_t{7}; }) == "the VM folder is claimed for uid 7, and this bottle holds uid 2900000");
    CHECK(starting([](Look& l) {
              l.desired.allocation.vmm_uid = 0;
              l.machine().uid_claim = Absent{};
          }) == kStart);
}

TEST_CASE("decision: the copy of the image is made where it is not as it was made") {
    CHECK(starting(copied) == kStart);
    const LookCase anew[] = {
        {"absent", [](Look& l) { l.machine().image_copy = Absent{}; }},
        {"the copy is one of /srv/other", [](Look& l) { l.machine().image_copy.value().source = "/srv/other"; }},
        {"the folder changed since it was copied", [](Look& l) { l.machine().source_listing = std::string("source 2"); }},
        {"the copy is not as it was made", [](Look& l) { l.machine().image_listing = std::string("copy 2"); }},
        {"the copy is not as it was made", [](Look& l) { l.machine().image_listing = Absent{}; }},
    };
    for (const auto& one : anew) {
        INFO(one.says);
        const auto change = [&](Look& l) {
            copied(l);
            one.change(l);
        };
        CHECK(starting(change) == "image " + kStart);
        CHECK(first_step(change).cause == one.says);
    }
    const LookCase refused[] = {
        {"the copy of the image could not be read: broken", [](Look& l) { l.machine().image_copy = Unknown{"broken"}; }},
        {"the image could not be read: denied", [](Look& l) { l.machine().source_listing = Unknown{"denied"}; }},
        {"there is no image /srv/source", [](Look& l) { l.machine().source_listing = Absent{}; }},
    };
    for (const auto& one : refused) {
        const auto change = [&](Look& l) {
            copied(l);
            one.change(l);
        };
        CHECK(starting(change) == one.says);
    }
}

TEST_CASE("decision: a machine is started behind its firewall, and without one only where none is asked for") {
    const auto off = [](Look& l) { l.desired.firewall.reset(); };
    CHECK(starting(off) == "firewall " + kStart);
    CHECK(std::holds_alternative<RemoveFirewall>(first_step(off).action));
    CHECK(starting([](Look& l) {
              l.desired.firewall.reset();
              l.snapshot.firewall = Absent{};
          }) == kStart);
    CHECK(starting([](Look& l) { l.snapshot.firewall = Unknown{"denied"}; }) == "the firewall could not be read: denied");
    CHECK(starting([](Look& l) { l.snapshot.firewall = Absent{}; }) == "firewall " + kStart);
    CHECK(first_step([](Look& l) { l.snapshot.firewall = Absent{}; }).cause == "absent");
    CHECK(starting([](Look& l) { l.desired.firewall->ports = {22}; }) == "firewall " + kStart);
}

TEST_CASE("decision: a new machine takes over no disks unless it is asked to") {
    const std::string made = "machine allowlist " + kStart;
    PlanOptions adopt;
    adopt.adopt = true;
    const auto without_row = [](const Observation<bool>& folder) {
        return [folder](Look& l) {
            l.machine().row = Absent{};
            l.machine().vm_folder = folder;
        };
    };
    CHECK(starting(without_row(true)).find("its folder with disks is there") != std::string::npos);
    CHECK(starting(without_row(true), adopt) == made);
    CHECK(starting(without_row(false)) == made);
    CHECK(starting(without_row(Absent{})) == made);
    CHECK(first_step([&](Look& l) {
              without_row(false)(l);
              l.machine().uid_claim = Absent{};
          }).part_of == "machine bottle-docs-writer");
}

TEST_CASE("decision: each difference of the row has its own repair, and its first cause is named") {
    CHECK(starting([](Look& l) { l.machine().row.value().is_blob = false; }) == "allowlist " + kStart);
    const auto text = [](Look& l) {
        l.machine().row.value().is_blob = false;
        l.change_row([](auto& row) { row["network"] = false; });
    };
    CHECK(first_step(text).cause == "the row is TEXT: smolvm cannot read it again");
    const auto list = [](Look& l) {
        l.change_row([](auto& row) {
            row["allowed_cidrs"] = nullptr;
            row["dns_filter_hosts"] = nullptr;
        });
    };
    CHECK(starting(list) == "allowlist " + kStart);
    CHECK(first_step(list).cause.find("allowed_cidrs is null") == 0);
    const auto resources = [](Look& l) {
        l.change_row([](auto& row) {
            row["cpus"] = 9;
            row["mem"] = 9;
        });
    };
    CHECK(starting(resources) == "machine " + kStart);
    CHECK(first_step(resources).cause.find("cpus is 9") == 0);
    CHECK(first_step(resources).cost == Cost::Restart);
    CHECK(starting([](Look& l) { l.change_row([](auto& row) { row["mounts"] = "x"; }); }).find("machine bottle-docs-writer: mounts is") == 0);
}
