#include "manifests/yaml_text.h"
#include "reconciler/compose.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace bottle;
using namespace bottle::model;

TEST_CASE("golden: the bundle as a Compose file, in both modes") {
    for (const auto& [file, manifest] : {std::pair{"compose/bridge.yaml", sample_with_volume()}, std::pair{"compose/socket.yaml", sample_with_socket()}}) {
        auto world = ready_world(manifest);
        check_golden(file, yaml_text(compose_file(look_and_plan(world, manifest).desired)));
    }
}

TEST_CASE("Compose replaces nothing in what it gets") {
    auto manifest = sample_manifest();
    manifest.bundle.containers.front().env["PRICE"] = "5$ and ${HOME}";
    manifest.bundle.containers.front().command = {"sh", "-c", "echo $HOME"};
    auto world = ready_world(manifest);
    const auto file = compose_file(look_and_plan(world, manifest).desired);
    const auto& service = file["services"]["egress"];
    CHECK(service["command"][2] == "echo $$HOME");
    CHECK(service["environment"].dump().find("PRICE=5$$ and $${HOME}") != std::string::npos);
}
