#include "tests/machine/machine_place.h"

#include "controllers/process/proc_table.h"
#include "controllers/state/digest.h"
#include "reconciler/row.h"
#include "reconciler/row_splice.h"
#include "reconciler/running_config.h"
#include "tests/guest/temp_folder.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

using namespace bottle;

// A machine of mode tsi-loopback, on the stand-in of smolvm 1.1.2: there is no real one to hold it against.
namespace {

constexpr const char* kCidr = "127.0.0.16/32";

void make(MachinePlace& place) {
    REQUIRE(place.controller.act(CreateMachine{place.machine}).text.empty());
    REQUIRE(place.controller.act(SetAllowlist{place.row_text(), kCidr, true}).text.empty());
}

}  // namespace

TEST_CASE("TSI: a machine is made offline, takes the one address and no other byte, and is read again so") {
    MachinePlace place(kStandInTsi);
    REQUIRE(place.controller.act(CreateMachine{place.machine}).text.empty());
    const auto before = place.row_text();
    CHECK(compare_row(before, place.machine, RowStage::Offline).empty());
    REQUIRE(place.controller.act(SetAllowlist{before, kCidr, true}).text.empty());
    CHECK(place.row_text() == splice_loopback(before, kCidr));
    CHECK(compare_row(place.row_text(), place.machine, RowStage::Confined).empty());
    CHECK(place.controller.observe().row->is_blob);
    const auto set = place.row_text();
    REQUIRE(place.controller.act(SetAllowlist{set, kCidr, true}).text.empty());
    CHECK(place.row_text() == set);
    CHECK(place.call({"machine", "status", "--name", place.machine.name, "--json"}).succeeded());
}

TEST_CASE("TSI: no list is written where the row changed, is gone, or has no database, nor one that is not of the loopback") {
    MachinePlace place(kStandInTsi);
    const auto set = [&](const std::string& expected, const std::string& cidr = kCidr) { return place.controller.act(SetAllowlist{expected, cidr, true}); };
    CHECK(set("").kind == Outcome::Kind::Failed);
    CHECK_FALSE(std::filesystem::exists(place.paths.database));
    REQUIRE(place.controller.act(CreateMachine{place.machine}).text.empty());
    const auto row = place.row_text();
    CHECK(set(row + " ").text.find("changed") != std::string::npos);
    CHECK_THROWS_AS(set(row, "10.231.0.2/32"), Error);
    CHECK(place.row_text() == row);
    REQUIRE(place.call({"machine", "delete", "--name", place.machine.name, "--force"}).succeeded());
    CHECK(set(row).text.find("the machine's row is gone") != std::string::npos);
}

TEST_CASE("TSI: a start of our own runs as what was asked for, with no uid, log or channel of a later smolvm") {
    MachinePlace place(kStandInTsi);
    make(place);
    StartRecord record;
    const auto started = place.controller.start(place.machine, "boot", std::chrono::seconds(60), record);
    INFO(started.text);
    REQUIRE(started.kind == Outcome::Kind::Done);
    const auto view = place.controller.observe();
    REQUIRE(view.processes->size() == 1);
    CHECK(view.processes->front().uid == geteuid());
    CHECK(compare_running_config(*view.running_config, place.machine, place.smolvm.build).empty());
    CHECK(view.live_channels->empty());
    CHECK(place.controller.act(StopMachine{}).kind == Outcome::Kind::Done);
    CHECK(place.controller.observe().processes->empty());
    CHECK(place.controller.act(DeleteMachine{}).text.empty());
    CHECK(place.controller.observe().row.absent());
}

TEST_CASE("TSI: a list that is not as verified keeps it from being started") {
    MachinePlace place(kStandInTsi);
    make(place);
    for (const auto* list : {"null", "[\"127.0.0.0/8\"]", "[]", "[\"127.0.0.16/32\",\"1.1.1.1/32\"]"}) {
        INFO(list);
        auto row = place.row_text();
        const auto at = row.find("\"allowed_cidrs\":") + std::string("\"allowed_cidrs\":").size();
        row.replace(at, (row[at] == 'n' ? at + 4 : row.find(']', at) + 1) - at, list);
        place.write_row(row);
        StartRecord record;
        CHECK(place.controller.start(place.machine, "boot", std::chrono::seconds(60), record).text.find("the row is not as verified") == 0);
        CHECK(find_vmm_processes(place.paths.vm_folder)->empty());
    }
}

TEST_CASE("TSI: the program is the one that the host policy names by its digest, or it is none") {
    const auto named = smolvm_of(kStandInTsi);
    SmolvmPolicy policy;
    policy.accept = {{{}, "1.0.2", {{"smolvm", std::string(64, '0')}}}, {{}, "1.1.2", named.build.digests}};
    auto found = *find_smolvm(named.folder);
    CHECK_FALSE(found.build.tsi);
    accept_build(found, {});
    CHECK_FALSE(found.build.tsi);
    accept_build(found, policy);
    CHECK(found.build.tsi);
    CHECK(found.build.version == "1.1.2");
    CHECK(verify_build(found).problem.empty());
    policy.accept.pop_back();
    auto other = *find_smolvm(named.folder);
    accept_build(other, policy);
    CHECK_FALSE(other.build.tsi);
    CHECK_FALSE(verify_build(other).problem.empty());
    auto changed = found;
    changed.build.digests["libkrun.so"] = std::string(64, '0');
    CHECK(verify_build(changed).problem.find("libkrun.so is not the file") != std::string::npos);
}

TEST_CASE("TSI: names stand where each version wants them, and a command only where it takes one") {
    const auto place = MachinePlace(kStandInTsi).machine;
    auto labelled = place;
    labelled.labels = {{"dev.bottle.name", "docs"}};
    const auto newest = create_arguments(labelled, tsi_build("1.1.2", {}));
    CHECK(newest[2] == "--name");
    CHECK(std::find(newest.begin(), newest.end(), "--label") == newest.end());
    CHECK(newest.back() == "infinity");
    const auto oldest = create_arguments(labelled, tsi_build("0.8.0", {}));
    CHECK(std::vector<std::string>(oldest.begin(), oldest.begin() + 3) == std::vector<std::string>{"machine", "create", labelled.name});
    CHECK(std::find(oldest.begin(), oldest.end(), "--") == oldest.end());
    CHECK(update_arguments(labelled, tsi_build("1.0.1", {}))[2] == labelled.name);
    CHECK(delete_arguments(labelled.name, tsi_build("1.0.1", {})) == std::vector<std::string>{"machine", "delete", labelled.name, "--force"});
    CHECK(delete_arguments(labelled.name, tsi_build("1.0.2", {})) == std::vector<std::string>{"machine", "delete", "--name", labelled.name, "--force"});
    CHECK(std::count(newest.begin(), newest.end(), "--error-format") == 0);
}

TEST_CASE("TSI: the database is where smolvm looks for it: in XDG_DATA_HOME, which bottle gives it for each bottle") {
    const auto paths = machine_paths("/state", "docs");
    const auto environment = paths.environment();
    CHECK(std::find(environment.begin(), environment.end(), "XDG_DATA_HOME=/state/bottles/docs/smolvm/data") != environment.end());
    CHECK(paths.database == "/state/bottles/docs/smolvm/data/smolvm/server/smolvm.db");
    CHECK(machine_paths("/state", "other").database != paths.database);
}

TEST_CASE("TSI: smolvm makes its database there, and the user's own XDG_DATA_HOME, set or not, leads it nowhere else") {
    const TempFolder users;
    const char* before = std::getenv("XDG_DATA_HOME");
    const std::optional<std::string> saved = before == nullptr ? std::nullopt : std::optional<std::string>(before);
    for (const bool set : {false, true}) {
        INFO(set);
        if (set) setenv("XDG_DATA_HOME", users.file("data").c_str(), 1);
        else unsetenv("XDG_DATA_HOME");
        MachinePlace place(kStandInTsi);
        CHECK_FALSE(std::filesystem::exists(place.paths.database));
        REQUIRE(place.controller.act(CreateMachine{place.machine}).text.empty());
        CHECK(std::filesystem::exists(place.paths.database));
        CHECK_FALSE(std::filesystem::exists(users.file("data")));
    }
    if (saved) setenv("XDG_DATA_HOME", saved->c_str(), 1);
    else unsetenv("XDG_DATA_HOME");
}
