#include "manifests/error.h"
#include "reconciler/row.h"
#include "reconciler/row_splice.h"
#include "reconciler/running_config.h"
#include "tests/support/model_world.h"

#include <catch2/catch.hpp>

#include <random>

using namespace bottle;

namespace {

Machine machine() {
    Machine machine;
    machine.name = "bottle-docs";
    machine.rootfs = "/srv/rootfs";
    machine.cpus = 2;
    machine.memory_mib = 1024;
    machine.storage_gib = 20;
    machine.overlay_gib = 10;
    machine.allowed_cidr = "10.231.0.2/32";
    machine.labels = {{"dev.bottle.name", "docs"}};
    return machine;
}

std::string confined_row() {
    return splice_allowlist(model::created_row(machine()), "10.231.0.2/32");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a created row, and one with our list, are as they shall be") {
    CHECK(compare_row(model::created_row(machine()), machine(), RowStage::Offline).empty());
    CHECK(compare_row(confined_row(), machine(), RowStage::Confined).empty());
    CHECK_FALSE(compare_row(model::created_row(machine()), machine(), RowStage::Confined).empty());
    CHECK_FALSE(compare_row(confined_row(), machine(), RowStage::Offline).empty());
}

TEST_CASE("the splice changes the three keys and no other byte") {
    const auto before = model::created_row(machine());
    const auto after = confined_row();
    CHECK(after == replaced(replaced(before, R"("network":false)", R"("network":true)"), R"("allowed_cidrs":null)", R"("allowed_cidrs":["10.231.0.2/32"])")
                       .insert(after.size() - std::string(R"(,"dns_filter_hosts":[]})").size(), R"(,"dns_filter_hosts":[])"));
    // Again: nothing more.
    CHECK(splice_allowlist(after, "10.231.0.2/32") == after);

    // Numbers, spaces and order that another writer left stay as they are.
    const std::string odd = "{ \"zeta\" : 1.0e2 ,\t\"allowed_cidrs\":[ \"0.0.0.0/0\" , \"a]\\\"b\" ], \"dns_filter_hosts\":null,\"network\" : true , \"n\":12345678901234567890123 }\n";
    CHECK(splice_allowlist(odd, "10.231.0.2/32") ==
          "{ \"zeta\" : 1.0e2 ,\t\"allowed_cidrs\":[\"10.231.0.2/32\"], \"dns_filter_hosts\":[],\"network\" : true , \"n\":12345678901234567890123 }\n");
    // Only keys of the row itself.
    const std::string nested = R"({"inner":{"network":false,"allowed_cidrs":null},"text":"\"network\":false"})";
    CHECK(splice_allowlist(nested, "10.231.0.2/32") ==
          R"({"inner":{"network":false,"allowed_cidrs":null},"text":"\"network\":false","network":true,"allowed_cidrs":["10.231.0.2/32"],"dns_filter_hosts":[]})");
    CHECK(splice_allowlist("{}", "10.231.0.2/32") == R"({"network":true,"allowed_cidrs":["10.231.0.2/32"],"dns_filter_hosts":[]})");
}

TEST_CASE("nothing but one canonical /32 is ever written") {
    for (const auto* cidr : {"", "10.231.0.2", "10.231.0.0/29", "0.0.0.0/0", "10.231.0.2/032", "10.231.0.02/32", " 10.231.0.2/32", "10.231.0.2/32\"", "10.231.0.2/32,0.0.0.0/0", "::1/128"}) {
        INFO(cidr);
        CHECK_THROWS_AS(splice_allowlist(model::created_row(machine()), cidr), Error);
    }
}

TEST_CASE("a row that two readers could read in two ways is not read at all") {
    const auto good = confined_row();
    const std::string bad[] = {
        "",
        "null",
        "[]",
        "7",
        good + "x",
        good + good,
        "\xEF\xBB\xBF" + good,
        good + std::string(1, '\0'),
        replaced(good, R"("cpus":2)", R"("cpus":2,"cpus":2)"),
        replaced(good, R"("network":true)", R"("network":true,"network":false)"),
        replaced(good, R"("network":true)", R"("n\u0065twork":true)"),
        replaced(good, R"("name":"bottle-docs")", "\"name\":\"bottle-\xFF\""),
        replaced(good, R"("policy":"never")", R"("policy":"never","policy":"always")"),
        replaced(good, R"("cpus":2)", R"("cpus":)" + std::string(40, '[') + std::string(40, ']')),
        replaced(good, R"("cpus":2)", R"("more":")" + std::string(1 << 20, 'x') + R"(","cpus":2)"),
        good.substr(0, good.size() - 1),
    };
    for (const auto& text : bad) {
        INFO(text.substr(0, 200));
        CHECK_FALSE(distrust_of_object(text).empty());
        const auto problems = compare_row(text, machine(), RowStage::Confined);
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().fix == RowFix::Recreate);
        CHECK_THROWS_AS(splice_allowlist(text, "10.231.0.2/32"), Error);
        CHECK_FALSE(read_row_hints(text));
    }
}

TEST_CASE("a number in another form than smolvm's is not the number") {
    for (const auto* cpus : {"2.0", "2e0", "\"2\"", "true", "-2"}) {
        INFO(cpus);
        CHECK_FALSE(compare_row(replaced(confined_row(), R"("cpus":2)", std::string(R"("cpus":)") + cpus), machine(), RowStage::Confined).empty());
    }
}

TEST_CASE("a list that only looks like ours is not ours") {
    for (const auto* list : {R"(["10.231.0.2/32","10.231.0.2/32"])", R"(["10.231.0.2/32 "])", R"(["10.231.0.2"])", R"(["010.231.0.2/32"])", R"([["10.231.0.2/32"]])", R"("10.231.0.2/32")",
                             R"({"0":"10.231.0.2/32"})", R"([])", R"(null)", R"(["0.0.0.0/0"])", R"(["10.231.0.0/29"])"}) {
        INFO(list);
        const auto problems = compare_row(replaced(confined_row(), R"(["10.231.0.2/32"])", list), machine(), RowStage::Confined);
        REQUIRE_FALSE(problems.empty());
        CHECK(problems.front().key == "allowed_cidrs");
        CHECK(problems.front().fix == RowFix::SetAllowlist);
    }
}

TEST_CASE("values of keys that may be secrets are never shown") {
    const auto row = replaced(confined_row(), R"("env":[])", R"("env":[["KEY","hunter2"]])");
    const auto problems = compare_row(row, machine(), RowStage::Confined);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().text.find("hunter2") == std::string::npos);
}

TEST_CASE("the digest of a row stays over a start and changes with anything else") {
    const auto before = confined_row();
    const auto started = replaced(replaced(before, R"("state":"created","pid":null,"pid_start_time":null)", R"("state":"running","pid":7,"pid_start_time":8)"),
                                  R"("init_completed":false)", R"("init_completed":true)");
    CHECK(row_digest_material(before) == row_digest_material(started));
    CHECK(row_digest_material(before) != row_digest_material(replaced(before, "10.231.0.2/32", "10.231.0.3/32")));
    CHECK(row_digest_material(before) != row_digest_material(replaced(before, R"("created_at":1795522785)", R"("created_at":1795522786)")));
    // 1.32.2 adds them to a row of 1.8.3 at the first start; with another value they are another row.
    CHECK(row_digest_material(before) == row_digest_material(replaced(before, R"("block_io":"sync","disk_durability":"full",)", "")));
    CHECK(row_digest_material(before) != row_digest_material(replaced(before, R"("block_io":"sync")", R"("block_io":"async")")));
    CHECK(row_digest_material("{") == "{");
    const auto hints = read_row_hints(started);
    REQUIRE(hints);
    CHECK(hints->state == "running");
    CHECK(hints->pid == 7);
    CHECK(hints->pid_start_time == 8);
}

TEST_CASE("random damage to a row never passes for the row, and never throws") {
    const auto good = confined_row();
    std::mt19937 random(7);
    int passed = 0;
    for (int i = 0; i < 20'000; ++i) {
        auto text = good;
        for (unsigned n = 0; n <= random() % 3; ++n) {
            const auto at = random() % text.size();
            switch (random() % 3) {
                case 0: text[at] = static_cast<char>(random()); break;
                case 1: text.erase(at, 1 + random() % 4); break;
                default: text.insert(at, 1, static_cast<char>(random()));
            }
        }
        if (!compare_row(text, machine(), RowStage::Confined).empty()) continue;
        // White space between the words, and the time of creation: nothing else may differ.
        ++passed;
        const auto is = nlohmann::json::parse(text);
        auto want = nlohmann::json::parse(good);
        for (const auto* hint : {"created_at", "state", "pid", "pid_start_time", "last_exit_code", "init_completed"}) want[hint] = is.at(hint);
        want["restart"] = is.at("restart");
        INFO(text);
        REQUIRE(is == want);
        REQUIRE(is.at("restart").at("policy") == "never");
    }
    CHECK(passed > 0);
}

TEST_CASE("the running configuration must be exactly the measured one") {
    const std::string good = R"({"version":1,"mounts":[],"ports":[],"resources":{"cpus":2,"memory_mib":1024,"network":true,"gpu":false,"gpu_vram_mib":null,"cuda":false,)"
                             R"("nested_virt":false,"rosetta":false,"storage_gib":20,"overlay_gib":10,"block_io":"sync","disk_durability":"full","allowed_cidrs":["10.231.0.2/32"],)"
                             R"("dns":null,"dns_options":[],"shm_size":null},"forkable":false})";
    CHECK(compare_running_config(good, machine(), measured_builds().back()).empty());
    CHECK_FALSE(compare_running_config(replaced(good, R"("forkable":false)", R"("forkable":true)"), machine(), measured_builds().back()).empty());
    CHECK_FALSE(compare_running_config(replaced(good, R"("network":true)", R"("network":false)"), machine(), measured_builds().back()).empty());
    CHECK_FALSE(compare_running_config(replaced(good, R"("allowed_cidrs":["10.231.0.2/32"])", R"("allowed_cidrs":["10.231.0.2/32"],"allowed_cidrs":null)"), machine(), measured_builds().back()).empty());
    for (const auto* text : {"", "{}", "null", "{\"version\":1}"}) CHECK_FALSE(compare_running_config(text, machine(), measured_builds().back()).empty());
}

TEST_CASE("each smolvm writes its own running configuration, and no other's") {
    const std::string of_1_8_3 = R"({"version":1,"mounts":[],"ports":[],"resources":{"cpus":2,"memory_mib":1024,"network":true,"gpu":false,"gpu_vram_mib":null,"cuda":false,)"
                                 R"("rosetta":false,"storage_gib":20,"overlay_gib":10,"allowed_cidrs":["10.231.0.2/32"],"dns":null}})";
    const auto& older = measured_builds().at(1);
    REQUIRE(older.version == "1.8.3");
    CHECK(compare_running_config(of_1_8_3, machine(), older).empty());
    CHECK(compare_running_config(of_1_8_3, machine(), measured_builds().back()).size() == 6);
    CHECK(compare_running_config(replaced(of_1_8_3, R"("dns":null)", R"("dns":null,"dns_options":[])"), machine(), older).size() == 1);
    CHECK(compare_running_config(replaced(of_1_8_3, R"("mounts":[])", R"("mounts":[1])"), machine(), older).size() == 1);

    const std::string of_1_4_0 = replaced(replaced(of_1_8_3, R"("cuda":false,)", ""), R"("rosetta":false,)", "");
    const auto& oldest = measured_builds().front();
    REQUIRE(oldest.version == "1.4.0");
    CHECK(compare_running_config(of_1_4_0, machine(), oldest).empty());
    CHECK(compare_running_config(of_1_4_0, machine(), older).size() == 2);
    CHECK(compare_running_config(of_1_8_3, machine(), oldest).size() == 2);
}

TEST_CASE("a smolvm is told by the size of its program, an unknown one is taken for the newest") {
    for (const auto& build : measured_builds()) CHECK(build_of_size(build.program_size).version == build.version);
    for (const std::int64_t size : {-1, 0, 31'794'513}) CHECK(build_of_size(size).version == measured_builds().back().version);
    CHECK(measured_versions() == "1.4.0, 1.8.3, 1.32.2");
}
