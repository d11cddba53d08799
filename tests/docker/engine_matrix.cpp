#include "tests/docker/engine_matrix.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace bottle {
namespace {

nlohmann::json version(Engine& engine) {
    const auto answer = engine.call("GET", "/version");
    REQUIRE(answer.succeeded());
    return nlohmann::json::parse(answer.body);
}

}  // namespace

bool is_podman_under_test(Engine& engine) {
    return version(engine).at("Components").front().at("Name") == "Podman Engine";
}

void tell_matrix(Engine& engine, const std::string& name, const std::string& result) {
    const auto number = version(engine).at("Version").get<std::string>();
    std::printf("matrix\t%s %s\t%s\t%s\n", is_podman_under_test(engine) ? "podman" : "Docker", number.substr(0, number.find('+')).c_str(), name.c_str(), result.c_str());
}

}  // namespace bottle
