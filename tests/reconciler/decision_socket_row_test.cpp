#include "reconciler/row.h"
#include "reconciler/row_splice.h"
#include "reconciler/running_config.h"
#include "tests/reconciler/socket_look.h"

#include <catch2/catch.hpp>

#include <algorithm>

// Mode socket: what smolvm's row and running configuration say of a machine without a network.
using namespace bottle;
using namespace bottle::model;
using Json = nlohmann::ordered_json;

TEST_CASE("the splice out of a list changes its keys and no other byte") {
    auto machine = socket_look().desired.machine;
    const auto created = created_row(machine);
    CHECK(splice_offline(created) == created);
    CHECK(splice_offline(splice_allowlist(created, "10.231.0.2/32")) == created);
    CHECK(splice_offline(R"({"dns_filter_hosts":[],"network":true})") == R"({"network":false,"allowed_cidrs":null})");
    CHECK(splice_offline(R"({ "network" : true , "dns_filter_hosts":[ "a,}" ] , "x":1})") == R"({ "network" : false  , "x":1,"allowed_cidrs":null})");
    CHECK(splice_offline(R"({"allowed_cidrs":[],"network":true,"x":{"dns_filter_hosts":1},"dns_filter_hosts":null})") == R"({"allowed_cidrs":null,"network":false,"x":{"dns_filter_hosts":1}})");
    CHECK_THROWS_AS(splice_offline(created + "x"), Error);
}

TEST_CASE("decision: the row of a machine with a mounted socket has no network, no list, and that socket alone") {
    const auto machine = socket_look().desired.machine;
    const auto good = created_row(machine);
    for (const auto stage : {RowStage::Offline, RowStage::Confined}) {
        CHECK(compare_row(good, machine, stage).empty());
        const auto problems = [&](const std::function<void(Json&)>& change) {
            auto row = Json::parse(good);
            change(row);
            return compare_row(row.dump(), machine, stage);
        };
        const auto fix = [&](const char* key, const Json& value, RowFix want) {
            INFO(key << value.dump());
            const auto found = problems([&](Json& row) { row[key] = value; });
            REQUIRE(found.size() == 1);
            CHECK(found.front().key == key);
            CHECK(found.front().fix == want);
        };
        fix("network", nullptr, RowFix::SetAllowlist);
        fix("allowed_cidrs", Json::array(), RowFix::SetAllowlist);
        fix("allowed_cidrs", Json::array({""}), RowFix::SetAllowlist);
        fix("dns_filter_hosts", Json::array(), RowFix::SetAllowlist);
        fix("published_sockets", Json::array(), RowFix::Recreate);
        fix("published_sockets", Json::array({mounted("/run/bottle/2900000/proxy.sock", "/run/docker.sock")}), RowFix::Recreate);
        fix("published_sockets", Json::array({mounted("/run/bottle/2900001/proxy.sock")}), RowFix::Recreate);
        auto exposed = mounted("/run/bottle/2900000/proxy.sock");
        exposed["direction"] = "expose";
        fix("published_sockets", Json::array({exposed}), RowFix::Recreate);
        auto more = mounted("/run/bottle/2900000/proxy.sock");
        more["mode"] = 1;
        fix("published_sockets", Json::array({more}), RowFix::Recreate);
        CHECK(problems([](Json& row) { row["network"] = true; }).size() == 2);
        // An older smolvm drops what it does not know; of one that cannot mount a socket there is no such machine.
        CHECK(problems([](Json& row) { row.erase("labels"); }).empty());
        CHECK(problems([](Json& row) { row.erase("published_sockets"); }).size() == 1);
    }
    auto bridged = machine;
    bridged.socket.reset();
    bridged.allowed_cidr = "10.231.0.2/32";
    CHECK_FALSE(compare_row(good, bridged, RowStage::Confined).empty());
}

TEST_CASE("decision: the running configuration of a machine with a mounted socket has no network and no list") {
    auto look = socket_look();
    const auto good = Json::parse(*look.machine().running_config);
    CHECK(good["resources"]["network"] == false);
    CHECK(compare_running_config(good.dump(), look.desired.machine, measured_builds().back()).empty());
    for (const auto& [key, value] : {std::pair<const char*, Json>{"network", true}, {"allowed_cidrs", Json::array()}, {"allowed_cidrs", Json::array({"10.231.0.2/32"})}}) {
        auto config = good;
        config["resources"][key] = value;
        CHECK(compare_running_config(config.dump(), look.desired.machine, measured_builds().back()).size() == 1);
    }
}

TEST_CASE("decision: a row that another mode made says so first, and can only be made anew") {
    const auto socket = socket_look().desired.machine;
    const auto bridge = ready_look().desired.machine;
    const auto socket_row = created_row(socket);
    const auto bridge_row = splice_allowlist(created_row(bridge), bridge.allowed_cidr);
    for (const auto stage : {RowStage::Offline, RowStage::Confined}) {
        const auto from_bridge = compare_row(bridge_row, socket, stage);
        REQUIRE_FALSE(from_bridge.empty());
        CHECK(from_bridge.front() == RowProblem{"published_sockets", "it was made for network.mode bridge, and socket is asked for: a machine keeps its mode", RowFix::Recreate});
        const auto from_socket = compare_row(socket_row, bridge, stage);
        REQUIRE_FALSE(from_socket.empty());
        CHECK(from_socket.front() == RowProblem{"published_sockets", "it was made for network.mode socket, and bridge is asked for: a machine keeps its mode", RowFix::Recreate});
        for (const auto* problems : {&from_bridge, &from_socket}) {
            CHECK(std::count_if(problems->begin(), problems->end(), [](const RowProblem& p) { return p.key == "published_sockets"; }) == 1);
        }
        // The list and the network differ, too.
        CHECK(from_bridge.size() > 1);
    }
    // What no mode makes is called by its value.
    const auto says = [&](const std::string& row, const Machine& machine, const std::function<void(Json&)>& change) {
        auto changed = Json::parse(row);
        change(changed);
        const auto problems = compare_row(changed.dump(), machine, RowStage::Confined);
        const auto found = std::find_if(problems.begin(), problems.end(), [](const RowProblem& p) { return p.key == "published_sockets"; });
        return found == problems.end() ? std::string() : found->text.substr(0, std::string("published_sockets").size());
    };
    const std::string by_value = "published_sockets";
    CHECK(says(socket_row, socket, [](Json& row) { row["published_sockets"] = Json::array(); }) == by_value);
    CHECK(says(socket_row, socket, [](Json& row) { row.erase("published_sockets"); }) == by_value);
    CHECK(says(bridge_row, socket, [](Json& row) { row.erase("published_sockets"); }) == by_value);
    CHECK(says(bridge_row, socket, [](Json& row) { row["published_sockets"] = "x"; }) == by_value);
    CHECK(says(bridge_row, socket, [](Json& row) { row.erase("network"); }) == by_value);
    CHECK(says(socket_row, bridge, [](Json& row) { row["network"] = true; }) == by_value);
    CHECK(says(socket_row, bridge, [](Json& row) { row["published_sockets"].push_back(mounted("/run/docker.sock")); }) == by_value);
    CHECK(says(socket_row, bridge, [](Json& row) { row["published_sockets"] = Json::array({mounted("/run/docker.sock", "/run/docker.sock")}); }) == by_value);
    CHECK(says(socket_row, bridge, [](Json& row) { row["published_sockets"] = Json::array({"x"}); }) == by_value);
    CHECK(says(socket_row, bridge, [](Json& row) { row["published_sockets"] = "x"; }) == by_value);
    CHECK(says(socket_row, bridge, [](Json& row) { row["published_sockets"] = {{"x", row["published_sockets"].front()}}; }) == by_value);
    CHECK(says(socket_row, bridge, [](Json& row) { row["published_sockets"] = Json::array({Json::object()}); }) == by_value);
    // In its own mode, with more than its socket, too.
    CHECK(says(socket_row, socket, [](Json& row) { row["published_sockets"].front()["host_path"] = "/run/docker.sock"; }) == by_value);
}
