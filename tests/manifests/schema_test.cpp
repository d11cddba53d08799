#include "manifests/yaml_document.h"
#include "schema/defaults.h"
#include "schema/explain.h"
#include "schema/schema.h"
#include "tests/manifests/manifest_file.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

using namespace bottle;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

const std::string kSource = BOTTLE_SOURCE;

std::string text_of(const std::filesystem::path& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

/// Every key that a manifest may have, with its place in the schema.
void each_key(const ordered_json& node, const std::string& where, const std::function<void(const std::string&, const ordered_json&)>& visit) {
    if (node.contains("properties")) {
        for (const auto& [key, member] : node["properties"].items()) {
            visit(where + "/" + key, member);
            each_key(member, where + "/" + key, visit);
        }
    }
    for (const auto* others : {"items", "additionalProperties"}) {
        if (node.contains(others) && node[others].is_object()) each_key(node[others], where + "/*", visit);
    }
}

std::set<std::filesystem::path> examples() {
    std::set<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(kSource + "/manifests/examples")) {
        if (entry.path().extension() == ".yaml") files.insert(entry.path());
    }
    return files;
}

}  // namespace

TEST_CASE("every key of the schema has a description and an example, and a default or a word on what its absence means") {
    // Absent is not the same as any value: the image's own, none, or what the whole bottle must have.
    const std::set<std::string> without_default = {
        "/spec", "/metadata", "/metadata/name", "/spec/extends", "/spec/machine", "/spec/machine/image", "/spec/machine/image/rootfs", "/spec/machine/image/docker", "/spec/machine/image/archive",
        "/spec/machine/image/pack", "/spec/agent/command", "/spec/agent/prompt", "/spec/bundle", "/spec/bundle/containers", "/spec/bundle/egress", "/spec/bundle/gitGate", "/apiVersion", "/kind"};
    std::set<std::string> seen;
    each_key(schema_json(DocumentKind::Manifest), "", [&](const std::string& where, const ordered_json& node) {
        INFO(where);
        CHECK(node.contains("description"));
        CHECK(node.contains("examples"));
        const bool in_list_or_map = where.find("/*/") != std::string::npos;
        CHECK((node.contains("default") || in_list_or_map || without_default.count(where) == 1));
        if (!in_list_or_map) CHECK((node.contains("default") != (without_default.count(where) == 1)));
        seen.insert(where);
    });
    CHECK(seen.size() > 50);
}

TEST_CASE("every key of the host policy has a description and an example, and a default or a word on what its absence means") {
    std::size_t seen = 0;
    each_key(schema_json(DocumentKind::HostPolicy), "", [&](const std::string& where, const ordered_json& node) {
        INFO(where);
        CHECK(node.contains("description"));
        CHECK(node.contains("examples"));
        const bool in_list_or_map = where.find("/*/") != std::string::npos;
        const bool required = where == "/apiVersion" || where == "/kind" || in_list_or_map;
        CHECK((required || node.contains("default") || node["description"].get<std::string>().find("Left out: ") != std::string::npos));
        ++seen;
    });
    CHECK(seen > 25);
}

TEST_CASE("what this version does not do yet is described as that") {
    const auto says = [](const std::string& pointer) {
        INFO(pointer);
        const auto* node = schema_at(pointer);
        REQUIRE(node != nullptr);
        const auto description = (*node)["description"].get<std::string>();
        CHECK((description.find("ot in this version") != std::string::npos));
    };
    for (const auto* pointer : {"/spec/machine/backend",
                                "/spec/bundle/containers", "/spec/bundle/containers/0/env", "/spec/bundle/egress", "/spec/bundle/gitGate", "/spec/bundle/supervise"}) {
        says(pointer);
    }
}

TEST_CASE("a place in a manifest is found in the schema") {
    CHECK((*schema_at(""))["title"] == "bottle/v1");
    CHECK((*schema_at("/spec/bundle/containers/3/limits/pids"))["default"] == 256);
    CHECK((*schema_at("/spec/agent/env/PATH"))["description"] == "A literal value, or {secret: NAME}.");
    CHECK(schema_at("/spec/nothing") == nullptr);
    CHECK(schema_at("/spec/machine/cpus/0") == nullptr);
}

TEST_CASE("defaults stand where nothing is said, in the schema's order, and nowhere else") {
    const auto filled = with_defaults(json::parse(R"({"spec": {"machine": {"image": {"rootfs": "r"}, "cpus": 7}, "bundle": {"containers": [{"name": "a", "image": "b"}]}},
                                                      "metadata": {"name": "docs"}, "kind": "Bottle", "apiVersion": "bottle/v1"})"));
    CHECK(filled.dump() ==
          R"({"apiVersion":"bottle/v1","kind":"Bottle","metadata":{"name":"docs","labels":{}},"spec":{"machine":{"backend":"smolvm","image":{"rootfs":"r"},"cpus":7,"memory":"4Gi",)"
          R"("disk":{"storage":"20Gi","overlay":"10Gi"},"user":"root"},"agent":{"provider":"none","env":{},"skills":[]},"network":{"mode":"auto","firewall":"auto"},)"
          R"("bundle":{"containers":[{"name":"a","image":"b","ports":[],"env":{},"tmpfs":[],"volumes":[],"capabilities":[],"limits":{"memory":"512Mi","cpus":1,"pids":256}}],)"
          R"("externalNetwork":true,"supervise":false}}})");
}

TEST_CASE("what the schema refuses is worded, and what it takes is not") {
    std::size_t refused = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kSource + "/tests/golden/mistakes")) {
        if (entry.path().extension() != ".yaml") continue;
        std::vector<Problem> problems;
        for (const auto& document : read_yaml(SourceText(entry.path().filename(), text_of(entry.path())), problems)) {
            INFO(entry.path().filename());
            CHECK(explain(document.json, DocumentKind::Manifest).empty() == validate(document.json, DocumentKind::Manifest).empty());
            refused += validate(document.json, DocumentKind::Manifest).empty() ? 0 : 1;
        }
    }
    CHECK(refused > 40);
}

TEST_CASE("a template, and a bottle that extends one, may leave out what a whole bottle needs") {
    const auto breaks = [](const char* text) { return validate(json::parse(text), DocumentKind::Manifest).size(); };
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "BottleTemplate", "spec": {}})") == 0);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "BottleTemplate", "spec": {"machine": {"memory": "", "user": ""}}})") == 0);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "BottleTemplate"})") == 1);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "Bottle", "metadata": {"name": "a"}, "spec": {"extends": "b.yaml"}})") == 0);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "Bottle", "metadata": {"name": "a"}, "spec": {"extends": ""}})") == 1);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "Bottle", "spec": {"extends": "b.yaml"}})") == 1);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "Bottle", "metadata": {"name": "a"}, "spec": {}})") == 2);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "Bottle", "metadata": {"name": "a"}, "spec": {"machine": {}, "bundle": {}}})") == 1);
    CHECK(breaks(R"({"apiVersion": "bottle/v1", "kind": "Bottle", "metadata": {"name": "a"}, "spec": {"machine": {"image": {"rootfs": "r"}, "user": "", "memory": "", "disk": {"storage": ""}}, "bundle": {}}})") == 3);
}

TEST_CASE("the examples load, and lead editors to the schema") {
    REQUIRE(examples().size() >= 3);
    const std::string modeline = "# yaml-language-server: $schema=";
    for (const auto& path : examples()) {
        INFO(path.string());
        const auto text = text_of(path);
        const auto first_line = text.substr(0, text.find('\n'));
        REQUIRE(first_line.rfind(modeline, 0) == 0);
        CHECK(std::filesystem::equivalent(path.parent_path() / first_line.substr(modeline.size()), kSource + "/schema/bottle.v1.schema.json"));
    }
    const ManifestFile place("");
    std::filesystem::remove(place.path());
    for (const auto& path : examples()) std::filesystem::copy(path, place.folder());
    std::filesystem::copy(kSource + "/manifests/examples/reviewer", place.folder() + "/reviewer", std::filesystem::copy_options::recursive);
    std::filesystem::create_directories(place.folder() + "/.hello/rootfs");
    std::istringstream none;
    const auto loaded = load({place.folder()}, false, none);
    CHECK(loaded.bottles.size() >= 2);
    CHECK(loaded.templates.size() == 1);
}
