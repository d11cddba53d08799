#include "reconciler/firewall.h"
#include "reconciler/row.h"
#include "reconciler/running_config.h"
#include "reconciler/smolvm_build.h"
#include "reconciler/vmm_environment.h"
#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

#include <algorithm>

// The texts that are compared key by key: the row, the running configuration, the firewall's table, and the VMM's environment.
using namespace bottle;
using namespace bottle::model;
using nlohmann::json;

namespace {

std::vector<RowProblem> row_problems(const std::function<void(json&)>& change, RowStage stage = RowStage::Confined) {
    auto look = ready_look();
    look.change_row([&](json& row) {
        if (stage == RowStage::Offline) {
            row["network"] = false;
            row["allowed_cidrs"] = nullptr;
            row.erase("dns_filter_hosts");
        }
        change(row);
    });
    return compare_row(look.machine().row->data, look.desired.machine, stage);
}

/// The one problem that a value of a key makes.
RowProblem problem(const std::string& key, const json& value, RowStage stage = RowStage::Confined) {
    const auto problems = row_problems([&](json& row) { row[key] = value; }, stage);
    INFO(key << " " << value.dump());
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().key == key);
    return problems.front();
}

bool fine(const std::string& key, const json& value, RowStage stage = RowStage::Confined) {
    return row_problems([&](json& row) { row[key] = value; }, stage).empty();
}

RowProblem missing(const std::string& key, RowStage stage = RowStage::Confined) {
    const auto problems = row_problems([&](json& row) { row.erase(key); }, stage);
    INFO(key);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().key == key);
    return problems.front();
}

std::string doubt(const std::map<std::string, std::string>& more) {
    auto look = ready_look();
    for (const auto& [variable, value] : more) look.vmm().environment[variable] = value;
    return environment_doubt(look.vmm(), look.start().binaries);
}

std::string listing_difference(const std::function<void(json&)>& change) {
    auto look = ready_look();
    auto listing = json::parse(*look.snapshot.firewall);
    change(listing);
    return compare_firewall(listing.dump(), *look.desired.firewall);
}

}  // namespace

TEST_CASE("decision: a row has every key of ours and no other, each with its value") {
    CHECK(row_problems([](json&) {}).empty());
    CHECK(row_problems([](json&) {}, RowStage::Offline).empty());
    const auto row = json::parse(ready_look().machine().row->data);
    const auto& later = later_row_keys();
    for (const auto& key : later) CHECK(row_problems([&](json& record) { record.erase(key); }).empty());
    for (const auto& [key, value] : row.items()) {
        const bool list = key == "allowed_cidrs" || key == "dns_filter_hosts" || key == "network";
        const bool resource = key == "cpus" || key == "mem";
        const auto fix = list ? RowFix::SetAllowlist : resource ? RowFix::UpdateResources : RowFix::Recreate;
        CHECK(problem(key, "tampered").fix == fix);
        if (later.count(key) == 0) CHECK(missing(key).fix == fix);
    }
    for (const auto& missing : later) CHECK(row.contains(missing));
    CHECK(row_problems([&](json& record) {
              for (const auto& key : later) record.erase(key);
          }).empty());
    CHECK(problem("never_seen", 1).fix == RowFix::Recreate);
    CHECK(problem("dns", "1.1.1.1").fix == RowFix::Recreate);
}

TEST_CASE("decision: an allowlist is the requested one, and what opens everything is said so") {
    CHECK(problem("allowed_cidrs", nullptr).text == "allowed_cidrs is null: the guest may reach every address");
    CHECK(missing("allowed_cidrs").text == "allowed_cidrs is missing: the guest may reach every address");
    CHECK(problem("allowed_cidrs", json::array({"0.0.0.0/0"})).text == R"(allowed_cidrs is ["0.0.0.0/0"], not the requested list)");
    const auto closed = row_problems([](json& row) {
        row["allowed_cidrs"] = nullptr;
        row["network"] = false;
    });
    REQUIRE(closed.size() == 2);
    CHECK(closed.front().text == "allowed_cidrs is null, not the requested list");
    CHECK(problem("dns_filter_hosts", json::array({"example.com"})).fix == RowFix::SetAllowlist);
    // A machine that is offline has none of it.
    CHECK(problem("dns_filter_hosts", json::array(), RowStage::Offline).text == "dns_filter_hosts is there, on a machine that is offline");
    CHECK(problem("allowed_cidrs", json::array(), RowStage::Offline).text == "allowed_cidrs is [], not the requested list");
    CHECK(missing("allowed_cidrs", RowStage::Offline).text == "allowed_cidrs is missing, not the requested list");
    CHECK(row_problems([](json& row) { row["network"] = true; }, RowStage::Offline).size() == 2);
}

TEST_CASE("decision: an allowlist in another text than ours is another, also where it reads the same") {
    auto look = ready_look();
    auto& data = look.machine().row.value().data;
    const auto at = data.find(R"(["10.231.0.2/32"])");
    REQUIRE(at != std::string::npos);
    data.insert(at + 1, " ");
    const auto problems = compare_row(data, look.desired.machine, RowStage::Confined);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().text == "the allowlist is written in another way than bottle and smolvm write it");
    // What is no single address is never ours, whatever was asked for.
    auto machine = look.desired.machine;
    machine.allowed_cidr = "10.231.0.0/29";
    auto row = json::parse(ready_look().machine().row->data);
    row["allowed_cidrs"] = json::array({machine.allowed_cidr});
    CHECK(compare_row(row.dump(), machine, RowStage::Confined).size() == 1);
}

TEST_CASE("decision: no is null or false for what smolvm writes either way, and nothing else is") {
    for (const auto* key : {"gpu", "nested_virt", "rosetta"}) {
        CHECK(fine(key, nullptr));
        CHECK(fine(key, false));
        problem(key, true);
        problem(key, 0);
    }
    problem("cuda", nullptr);
    problem("gpu_vram_mib", false);
}

TEST_CASE("decision: smolvm counts its restarts and notes a stop, and the policy stays never") {
    auto restart = json::parse(ready_look().machine().row->data).at("restart");
    const auto with = [&](const char* key, json value) {
        auto changed = restart;
        changed[key] = std::move(value);
        return changed;
    };
    CHECK(fine("restart", with("user_stopped", true)));
    CHECK(fine("restart", with("restart_count", 7)));
    problem("restart", with("user_stopped", "yes"));
    problem("restart", with("restart_count", -1));
    problem("restart", with("restart_count", 1.0));
    problem("restart", with("policy", "always"));
    problem("restart", with("more", 1));
    problem("restart", 7);
    problem("restart", json::array({"user_stopped", "restart_count"}));
    for (const auto* key : {"user_stopped", "restart_count", "policy"}) {
        auto changed = restart;
        changed.erase(key);
        problem("restart", changed);
    }
}

TEST_CASE("decision: what smolvm notes of itself has the form that it writes") {
    for (const auto* state : {"created", "running", "stopped", "failed", "unreachable"}) CHECK(fine("state", state));
    for (const auto& value : {json("paused"), json(1), json(nullptr)}) problem("state", value);
    CHECK(fine("created_at", 7));
    for (const auto* key : {"pid", "pid_start_time", "last_exit_code"}) {
        CHECK(fine(key, nullptr));
        CHECK(fine(key, 7));
        problem(key, "7");
        problem(key, 7.0);
    }
    CHECK(fine("last_exit_code", -7));
    problem("pid", -7);
    problem("pid_start_time", -7);
    problem("created_at", -7);
    problem("created_at", nullptr);
    CHECK(fine("init_completed", true));
    CHECK(fine("init_completed", false));
    problem("init_completed", nullptr);
}

TEST_CASE("decision: the row's hints are numbers or none, and none of a row that cannot be read") {
    auto look = ready_look();
    const auto hints = read_row_hints(look.machine().row->data);
    REQUIRE(hints);
    CHECK(hints->state == "running");
    CHECK(hints->pid == look.vmm().pid);
    CHECK(hints->pid_start_time == look.vmm().start_time);
    look.change_row([](json& row) { row["pid"] = row["pid_start_time"] = nullptr; });
    REQUIRE(read_row_hints(look.machine().row->data));
    CHECK(read_row_hints(look.machine().row->data)->pid == 0);
    CHECK(read_row_hints(look.machine().row->data)->pid_start_time == 0);
    look.change_row([](json& row) { row["state"] = "paused"; });
    CHECK_FALSE(read_row_hints(look.machine().row->data));
    CHECK_FALSE(read_row_hints("{"));
}

TEST_CASE("decision: the digest of a row leaves out only what smolvm rewrites") {
    const auto text = ready_look().machine().row->data;
    const auto row = json::parse(text);
    for (const auto& [key, value] : row.items()) {
        INFO(key);
        const bool rewritten = key == "state" || key == "pid" || key == "pid_start_time" || key == "init_completed" || key == "last_exit_code" || key == "labels";
        auto changed = row;
        changed[key] = "tampered";
        CHECK((row_digest_material(changed.dump()) == row_digest_material(text)) == rewritten);
    }
    // Unset is as good as not written, in each of them; set is not.
    for (const auto& key : later_row_keys()) {
        auto without = row;
        without.erase(key);
        INFO(key);
        CHECK(row_digest_material(without.dump()) == row_digest_material(text));
    }
    auto stopped = row;
    stopped["restart"]["user_stopped"] = true;
    CHECK(row_digest_material(stopped.dump()) == row_digest_material(text));
    stopped["restart"]["policy"] = "always";
    CHECK(row_digest_material(stopped.dump()) != row_digest_material(text));
    CHECK(row_digest_material(R"({"restart":7})") == R"({"restart":7})");
    CHECK(row_digest_material("{}") == "{}");
    CHECK(row_digest_material("{ ") == "{ ");
}

TEST_CASE("decision: a text is one object without a key that hides, at its very edges too") {
    for (const auto* text : {"{}", " \t\r\n{}", R"({"a":"\"b\\"})", R"({"a":"\u0062"})", R"({"a":["\n","b"]})", R"({"a":{"b":"c"}})"}) {
        INFO(text);
        CHECK(distrust_of_object(text).empty());
    }
    CHECK(distrust_of_object("") == "it is no object");
    CHECK(distrust_of_object(" ") == "it is no object");
    CHECK(distrust_of_object("[{}]") == "it is no object");
    CHECK(distrust_of_object(std::string("{}\0", 3)) == "a NUL byte is in it");
    CHECK(distrust_of_object("{") == "it is no JSON");
    CHECK(distrust_of_object(R"({"\u0061":1)") == "it is no JSON");
    for (const auto* text : {R"({"\u0061":1})", R"({"\u0061" :1})", R"({"a":"b","\u0061c":1})", R"({"a":{"b\n":1}})", R"({"a\\":1})"}) {
        INFO(text);
        CHECK(distrust_of_object(text) == "a key in it is written with escapes");
    }
    CHECK(distrust_of_object(R"("a\n")") == "it is no object");
}

TEST_CASE("decision: a running configuration has each key of ours, at each level, and no other") {
    const auto look = ready_look();
    const auto problems = [&](const std::function<void(json&)>& change) {
        auto config = json::parse(*look.snapshot.machine.running_config);
        change(config);
        std::vector<std::string> keys;
        for (const auto& one : compare_running_config(config.dump(), look.desired.machine, measured_builds().back())) keys.push_back(one.key);
        return keys;
    };
    using Keys = std::vector<std::string>;
    CHECK(problems([](json&) {}).empty());
    CHECK(problems([](json& c) { c["version"] = 1.0; }) == Keys{"version"});
    CHECK(problems([](json& c) { c["resources"]["cpus"] = 9; }) == Keys{"resources.cpus"});
    CHECK(problems([](json& c) { c["resources"].erase("dns"); }) == Keys{"resources.dns"});
    CHECK(problems([](json& c) { c["resources"]["more"] = 1; }) == Keys{"resources.more"});
    CHECK(problems([](json& c) { c["more"] = 1; }) == Keys{"more"});
    CHECK(problems([](json& c) { c["resources"] = 7; }) == Keys{"resources"});
    CHECK(problems([](json& c) { c["mounts"] = json::object(); }) == Keys{"mounts"});
    CHECK(compare_running_config("{", look.desired.machine, measured_builds().back()).size() == 1);
}

TEST_CASE("decision: a VMM's environment has the variables of our start, and its libraries come from one place") {
    CHECK(doubt({}).empty());
    for (const auto* variable : {"LD_PRELOAD", "SMOLVM_EGRESS_FLOOR", "KRUN_X", "NEW", "PATHS"}) CHECK(doubt({{variable, "x"}}).find(variable) != std::string::npos);
    for (const auto* variable : {"LD_LIBRARY_PATH", "SMOLVM_LIB_DIR"}) {
        INFO(variable);
        for (const auto* path : {"/opt/smolvm", "/opt/smolvm:/opt/smolvm", "/proc/self:/opt/smolvm", "/opt/smolvm:/proc/self/lib"}) CHECK(doubt({{variable, path}}).empty());
        for (const auto* path : {"", ":", "/opt/smolvm:", ":/opt/smolvm", "/tmp:/opt/smolvm", "/opt/smolvm:/tmp", "/opt", "/opt/smolvm/", "/proc", "/proc/self/"}) {
            CHECK(doubt({{variable, path}}).find(std::string("its ") + variable) == 0);
        }
    }
    CHECK(doubt({{"HOME", "/tmp"}}).empty());
    // Of several verified files the folder of any is one.
    auto look = ready_look();
    look.vmm().environment = {{"LD_LIBRARY_PATH", "/lib/b"}};
    CHECK(environment_doubt(look.vmm(), {{"/lib/a/one", 1, 1, 1, 1, 1}, {"/lib/b/two", 1, 1, 1, 1, 1}}).empty());
    CHECK_FALSE(environment_doubt(look.vmm(), {}).empty());
}

TEST_CASE("decision: the firewall's table is ours to the last rule, in our order") {
    CHECK(listing_difference([](json&) {}).empty());
    CHECK(listing_difference([](json& l) { l["nftables"][3]["rule"]["expr"][3]["counter"]["packets"] = 99; }).empty());
    CHECK(listing_difference([](json& l) { l["nftables"][3]["rule"]["handle"] = 99; }).empty());
    CHECK(listing_difference([](json& l) { l["nftables"].push_back({{"set", {{"name", "x"}}}}); }) == "a set that bottle did not make: more may be reached");
    CHECK(listing_difference([](json& l) { l["nftables"].erase(2); }) == "its chain does not look at what leaves the host");
    CHECK(listing_difference([](json& l) { l["nftables"].erase(3); }) == "nothing lets 10.231.0.2 tcp 9099 through");
    CHECK(listing_difference([](json& l) { l["nftables"].erase(4); }) == "nothing refuses the rest");
    CHECK(listing_difference([](json& l) { std::swap(l["nftables"][3], l["nftables"][4]); }) == "its rules stand in another order, or twice");
    CHECK(listing_difference([](json& l) { l["nftables"].push_back(l["nftables"][4]); }) == "its rules stand in another order, or twice");
    CHECK(listing_difference([](json& l) { l["nftables"] = 7; }) == "its rules cannot be read: it is not what libnftables prints");
    CHECK(listing_difference([](json& l) { l = json::object(); }) == "its rules cannot be read: it is not what libnftables prints");
    const auto look = ready_look();
    CHECK(compare_firewall("{", *look.desired.firewall) == "its rules cannot be read: it is no JSON");
}
