#include "cli/print_get.h"
#include "manifests/load.h"
#include "tests/cli/samples.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace bottle;
using namespace bottle::model;

namespace {

std::vector<BottleRow> three_rows() {
    auto ready = ready_world();
    auto leaking = ready_world(sample_with_socket());
    leaking.kill_vmm();
    auto stopped = sample::description(leaking, sample_with_socket()).row;
    stopped.name = "a-bottle-with-a-name-of-forty-characters";
    stopped.created.clear();
    stopped.labels = {{"team", "yes"}, {"\x1b[2J", "1.0"}};
    return {sample::description(ready).row, stopped, row_without_manifest("half-made")};
}

}  // namespace

TEST_CASE("golden: get, in every output") {
    const auto rows = three_rows();
    check_golden("cli/get.txt", get_table(rows, false, sample::now(), {}));
    check_golden("cli/get-wide.txt", get_table(rows, true, sample::now(), {}));
    check_golden("cli/get-60-columns.txt", get_table(rows, false, sample::now(), {60, false}));
    check_golden("cli/get-colour.txt", get_table(rows, false, sample::now(), {0, true}));
    check_golden("cli/get.json", get_json(rows));
    check_golden("cli/get.yaml", get_yaml(rows));
    CHECK(get_names(rows) == "docs-writer\na-bottle-with-a-name-of-forty-characters\nhalf-made\n");
}

TEST_CASE("no bottle is an empty list for programs, in a document that stays one") {
    CHECK(nlohmann::json::parse(get_json({})) == nlohmann::json::parse(R"({"format": "bottle.get/v1", "items": []})"));
    CHECK(get_yaml({}) == "format: bottle.get/v1\nitems: []\n");
    CHECK(get_names({}).empty());
}

TEST_CASE("labels select a bottle that has all of them") {
    const std::map<std::string, std::string> labels = {{"team", "docs"}, {"tier", "web"}};
    CHECK(selected(labels, {}));
    CHECK(selected({}, {}));
    CHECK(selected(labels, {{"team", "docs"}}));
    CHECK(selected(labels, {{"team", "docs"}, {"tier", "web"}}));
    CHECK_FALSE(selected(labels, {{"team", "ops"}}));
    CHECK_FALSE(selected(labels, {{"team", "docs"}, {"tier", "ops"}}));
    CHECK_FALSE(selected(labels, {{"none", ""}}));
}

TEST_CASE("golden: describe a bottle that is Ready, one that is stopped, one of which nothing can be read, and one in mode tsi-loopback") {
    auto world = ready_world();
    auto ready = sample::description(world);
    ready.events = events(sample::records());
    check_golden("cli/describe.txt", describe_text(ready, sample::now(), {}));
    check_golden("cli/describe.json", describe_json(ready));
    check_golden("cli/describe-72-columns.txt", describe_text(ready, sample::now(), {72, false}));

    auto down = ready_world(sample_with_socket());
    down.docker_down = "/var/run/docker.sock: connection \x1b[31mrefused";
    check_golden("cli/describe-docker-down.txt", describe_text(sample::description(down, sample_with_socket()), sample::now(), {}));
    auto dead = ready_world();
    dead.kill_vmm();
    dead.remove_container("bottle-docs-writer-egress");
    check_golden("cli/describe-stopped.txt", describe_text(sample::description(dead), sample::now(), {}));
    auto loopback = ready_world(sample_on_loopback());
    check_golden("cli/describe-loopback.txt", describe_text(sample::description(loopback, sample_on_loopback()), sample::now(), {}));
}

TEST_CASE("what is described is read from the snapshot alone: no value of a variable is in it") {
    auto manifest = sample_manifest();
    manifest.agent.env = {{"API_TOKEN", "sentinel-7f3a"}};
    manifest.bundle.containers.front().env = {{"OTHER", "sentinel-7f3a"}};
    auto world = ready_world(manifest);
    const auto d = sample::description(world, manifest);
    CHECK(describe_text(d, sample::now(), {}).find("API_TOKEN") != std::string::npos);
    CHECK(describe_text(d, sample::now(), {}).find("sentinel-7f3a") == std::string::npos);
    CHECK(describe_json(d).find("sentinel-7f3a") == std::string::npos);
    CHECK(get_json({d.row}).find("sentinel-7f3a") == std::string::npos);
}
