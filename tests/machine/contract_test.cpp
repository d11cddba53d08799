#include "tests/machine/machine_place.h"

#include "reconciler/row.h"
#include "reconciler/row_splice.h"
#include "reconciler/smolvm_build.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>

using namespace bottle;

// What bottle relies on in smolvm's command line and database: one list, run on every measured one and on the stand-in, so that the
// stand-in cannot drift. None of it starts a guest.

namespace {

constexpr std::int64_t kUid = 2'900'123;

void creates_an_offline_machine(MachinePlace& place) {
    REQUIRE(place.controller.act(ClaimUid{kUid}).text.empty());
    REQUIRE(place.controller.act(CreateMachine{place.machine}).text.empty());
    const auto view = place.controller.observe();
    REQUIRE(view.row.present());
    CHECK(view.row->is_blob);
    CHECK(compare_row(view.row->data, place.machine, RowStage::Offline).empty());
    const auto row = nlohmann::json::parse(view.row->data);
    for (const auto& key : later_row_keys()) {
        INFO(key);
        CHECK(row.contains(key) == (place.smolvm.build.no_row_keys.count(key) == 0));
    }
    if (place.smolvm.build.labels) CHECK(row.at("labels") == nlohmann::json(place.machine.labels));
    CHECK(view.other_rows.empty());
    CHECK(view.uid_claim.present());
    CHECK(*view.uid_claim == kUid);
    CHECK(view.processes.present());
    CHECK(view.processes->empty());
    CHECK(view.vm_folder.present());
    CHECK_FALSE(*view.vm_folder);
    CHECK((view.lock_held.absent() || !*view.lock_held));
    CHECK(view.running_config.absent());
}

void does_not_create_it_twice(MachinePlace& place) {
    place.make();
    const auto before = place.row_text();
    const auto outcome = place.controller.act(CreateMachine{place.machine});
    CHECK(outcome.kind == Outcome::Kind::Failed);
    CHECK(outcome.text.find("already exists") != std::string::npos);
    CHECK(place.row_text() == before);
}

void takes_a_list_and_no_other_byte(MachinePlace& place) {
    REQUIRE(place.controller.act(ClaimUid{kUid}).text.empty());
    REQUIRE(place.controller.act(CreateMachine{place.machine}).text.empty());
    const auto before = place.row_text();
    REQUIRE(place.controller.act(SetAllowlist{before, place.machine.allowed_cidr}).text.empty());
    const auto after = place.row_text();
    CHECK(after == splice_allowlist(before, place.machine.allowed_cidr));
    CHECK(compare_row(after, place.machine, RowStage::Confined).empty());
    // smolvm itself can still read it.
    CHECK(place.call({"machine", "status", "--name", place.machine.name, "--json"}).succeeded());
    CHECK(place.row_text() == after);
}

void refuses_a_list_on_a_row_that_changed(MachinePlace& place) {
    place.make();
    const auto before = place.row_text();
    const auto outcome = place.controller.act(SetAllowlist{before + " ", "10.231.0.3/32"});
    CHECK(outcome.kind == Outcome::Kind::Failed);
    CHECK(outcome.text.find("changed") != std::string::npos);
    CHECK(place.row_text() == before);
}

void keeps_the_list_over_an_update(MachinePlace& place) {
    place.make();
    auto larger = place.machine;
    larger.cpus = 2;
    larger.memory_mib = 768;
    REQUIRE(place.controller.act(UpdateMachine{larger}).text.empty());
    CHECK(compare_row(place.row_text(), larger, RowStage::Confined).empty());
}

void cannot_read_a_row_that_is_text(MachinePlace& place) {
    place.make();
    const auto good = place.row_text();
    place.write_row(good, false);
    const auto view = place.controller.observe();
    REQUIRE(view.row.present());
    CHECK_FALSE(view.row->is_blob);
    CHECK(place.controller.act(UpdateMachine{place.machine}).kind == Outcome::Kind::Failed);
    // Written again, it is a BLOB.
    REQUIRE(place.controller.act(SetAllowlist{good, place.machine.allowed_cidr}).text.empty());
    CHECK(place.controller.observe().row->is_blob);
    CHECK(place.controller.act(UpdateMachine{place.machine}).text.empty());
}

void deletes_everything_and_nothing_else(MachinePlace& place) {
    place.make();
    const auto other = place.call({"machine", "create", "--name", "mine", "--image", place.machine.rootfs});
    REQUIRE(other.succeeded());
    CHECK(place.controller.observe().other_rows == std::vector<std::string>{"mine"});
    REQUIRE(place.controller.act(DeleteMachine{}).text.empty());
    const auto view = place.controller.observe();
    CHECK(view.row.absent());
    CHECK(view.vm_folder.absent());
    CHECK(view.uid_claim.absent());
    CHECK(view.other_rows == std::vector<std::string>{"mine"});
}

void says_that_it_is_not_there(MachinePlace& place) {
    place.make();
    REQUIRE(place.controller.act(DeleteMachine{}).text.empty());
    const auto outcome = place.controller.act(DeleteMachine{});
    CHECK(outcome.kind == Outcome::Kind::Failed);
    CHECK(outcome.text.find("not found") != std::string::npos);
}

void finds_the_disks(MachinePlace& place) {
    place.make();
    std::ofstream(place.paths.vm_folder + "/storage.raw") << "disk";
    REQUIRE(place.call({"machine", "status", "--name", place.machine.name, "--json"}).succeeded());
    const auto view = place.controller.observe();
    CHECK(view.row.present());
    CHECK(*view.vm_folder);
}

void executes_nothing_in_a_machine_that_is_stopped(MachinePlace& place) {
    place.make();
    const auto result = place.call({"machine", "exec", "--name", place.machine.name, "--", "/bin/true"});
    CHECK_FALSE(result.succeeded());
    CHECK(smolvm_message(result).find("not running") != std::string::npos);
}

void refuses_a_uid_that_is_claimed(MachinePlace& place) {
    place.make();
    std::ofstream(place.paths.uid_claims + "/2900124") << "0123456789abcdef";
    const auto outcome = place.controller.act(ClaimUid{2'900'124});
    CHECK(outcome.kind == Outcome::Kind::Failed);
    CHECK(outcome.text.find("claimed by another") != std::string::npos);
}

void does_not_start_what_is_not_as_verified(MachinePlace& place) {
    place.make();
    for (const auto* list : {"null", "[\"0.0.0.0/0\"]", "[]"}) {
        auto row = place.row_text();
        const std::string ours = R"(["10.231.0.2/32"])";
        place.write_row(row.replace(row.find(ours), ours.size(), list));
        StartRecord record;
        const auto outcome = place.controller.start(place.machine, "boot", std::chrono::seconds(60), record);
        CHECK(outcome.kind == Outcome::Kind::Failed);
        CHECK(outcome.text.find("not as verified") != std::string::npos);
        CHECK(place.controller.observe().processes->empty());
        REQUIRE(place.controller.act(SetAllowlist{place.row_text(), place.machine.allowed_cidr}).text.empty());
    }
}

void stops_what_does_not_run(MachinePlace& place) {
    place.make();
    CHECK(place.controller.act(StopMachine{}).text.empty());
    CHECK(compare_row(place.row_text(), place.machine, RowStage::Confined).empty());
}

void tells_its_version(MachinePlace& place) {
    std::string problem;
    CHECK(smolvm_version(place.smolvm, place.runner, problem) == place.smolvm.build.version);
    CHECK(problem.empty());
    CHECK(verify_build(place.smolvm).problem.empty());
}

/// An older one that writes the row back leaves what bottle looks at as it was, whoever made the row.
void takes_over_the_row_of_the_newest(MachinePlace& place) {
    place.make();
    auto row = nlohmann::ordered_json::parse(place.row_text());
    auto newest = MachinePlace(kStandIn);
    newest.machine.rootfs = place.machine.rootfs;
    newest.make();
    auto full = nlohmann::ordered_json::parse(newest.row_text());
    full["created_at"] = row["created_at"];
    const auto text = full.dump();
    place.write_row(text);
    CHECK(compare_row(text, place.machine, RowStage::Confined).empty());
    auto larger = place.machine;
    larger.cpus = 2;
    REQUIRE(place.controller.act(UpdateMachine{larger}).text.empty());
    REQUIRE(place.controller.act(UpdateMachine{place.machine}).text.empty());
    const auto after = place.row_text();
    CHECK(nlohmann::json::parse(after).contains("labels") == place.smolvm.build.labels);
    CHECK(compare_row(after, place.machine, RowStage::Confined).empty());
    CHECK(row_digest_material(after) == row_digest_material(text));
}

/// Mode socket.
void creates_a_machine_with_one_mounted_socket(MachinePlace& place) {
    place.machine.allowed_cidr.clear();
    place.machine.socket = MountedSocket{"/run/bottle/2900123/proxy.sock", "/run/bottle/proxy.sock"};
    REQUIRE(place.controller.act(ClaimUid{kUid}).text.empty());
    if (!place.smolvm.build.mounted_sockets) {
        // It is the option that is refused.
        CHECK(place.controller.act(CreateMachine{place.machine}).kind == Outcome::Kind::Failed);
        CHECK(place.row_text().empty());
        place.machine.socket.reset();
        CHECK(place.controller.act(CreateMachine{place.machine}).text.empty());
        return;
    }
    // Nobody listens there yet, and the folder need not be there.
    REQUIRE(place.controller.act(CreateMachine{place.machine}).text.empty());
    const auto created = place.row_text();
    for (const auto stage : {RowStage::Offline, RowStage::Confined}) CHECK(compare_row(created, place.machine, stage).empty());
    auto other = place.machine;
    other.socket->host_path = "/run/docker.sock";
    CHECK_FALSE(compare_row(created, other, RowStage::Confined).empty());
}

void keeps_the_socket_over_an_update_and_a_list_that_is_taken_out(MachinePlace& place) {
    creates_a_machine_with_one_mounted_socket(place);
    if (!place.smolvm.build.mounted_sockets) return;
    const auto created = place.row_text();
    REQUIRE(place.controller.act(SetAllowlist{created, "10.231.0.2/32"}).text.empty());
    CHECK_FALSE(compare_row(place.row_text(), place.machine, RowStage::Confined).empty());
    REQUIRE(place.controller.act(SetAllowlist{place.row_text(), ""}).text.empty());
    CHECK(place.row_text() == created);
    auto larger = place.machine;
    larger.cpus = 2;
    REQUIRE(place.controller.act(UpdateMachine{larger}).text.empty());
    CHECK(compare_row(place.row_text(), larger, RowStage::Confined).empty());
}

struct Case {
    const char* name;
    void (*run)(MachinePlace&);
};

const Case kCases[] = {
    {"creates an offline machine", creates_an_offline_machine},
    {"does not create it twice", does_not_create_it_twice},
    {"takes a list and no other byte", takes_a_list_and_no_other_byte},
    {"refuses a list on a row that changed", refuses_a_list_on_a_row_that_changed},
    {"keeps the list over an update", keeps_the_list_over_an_update},
    {"cannot read a row that is TEXT", cannot_read_a_row_that_is_text},
    {"deletes everything and nothing else", deletes_everything_and_nothing_else},
    {"says that it is not there", says_that_it_is_not_there},
    {"finds the disks", finds_the_disks},
    {"executes nothing in a machine that is stopped", executes_nothing_in_a_machine_that_is_stopped},
    {"refuses a uid that is claimed", refuses_a_uid_that_is_claimed},
    {"does not start what is not as verified", does_not_start_what_is_not_as_verified},
    {"stops what does not run", stops_what_does_not_run},
    {"takes over the row of the newest", takes_over_the_row_of_the_newest},
    {"creates a machine with one mounted socket", creates_a_machine_with_one_mounted_socket},
    {"keeps the socket over an update and a list that is taken out", keeps_the_socket_over_an_update_and_a_list_that_is_taken_out},
    {"tells its version", tells_its_version},
};

}  // namespace

TEST_CASE("contract: smolvm's command line and database") {
    std::vector<std::string> versions = {kStandIn};
    for (const auto& build : measured_builds()) versions.push_back(build.version);
    for (const auto& version : versions) {
        const auto on = version == kStandIn ? "the stand-in" : "the real smolvm " + version;
        for (const auto& one : kCases) DYNAMIC_SECTION(on << " " << one.name) {
            std::printf("contract: %s %s\n", on.c_str(), one.name);
            MachinePlace place(version);
            one.run(place);
        }
    }
}
