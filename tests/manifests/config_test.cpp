#include "tests/manifests/folder_of_files.h"
#include "tests/manifests/manifest_file.h"
#include "tests/support/golden.h"

#include "manifests/config.h"
#include "manifests/stored_manifest.h"
#include "schema/validate.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

using namespace bottle;
using nlohmann::json;

namespace {

/// What a bottle comes to, without the places, which no two texts share.
json meaning(const Manifest& manifest) {
    auto document = json::parse(to_stored_text(manifest));
    const auto without_places = [](auto& self, json& value) -> void {
        if (value.is_object()) {
            for (const auto* key : {"place", "imagePlace", "rootfs_place", "mode_place", "firewall_place", "places"}) value.erase(key);
        }
        for (auto& member : value) {
            if (member.is_structured()) self(self, member);
        }
    };
    without_places(without_places, document);
    return document;
}

/// config(m), written beside m and read again.
void check_config(const FolderOfFiles& files, const std::string& name) {
    const auto loaded = files.load_bottles({name});
    for (std::size_t i = 0; i < loaded.bottles.size(); ++i) {
        const auto text = config_yaml(loaded.documents[i]);
        INFO(text);
        CHECK(validate(loaded.documents[i], DocumentKind::Manifest).empty());
        files.write("config.yaml", text);
        const auto again = files.load_bottles({"config.yaml"});
        REQUIRE(again.bottles.size() == 1);
        CHECK(meaning(again.bottles[0]) == meaning(loaded.bottles[i]));
        CHECK(config_yaml(again.documents[0]) == text);
        files.write("config.yaml", config_json(loaded.documents[i]));
        const auto from_json = files.load_bottles({"config.yaml"});
        REQUIRE(from_json.bottles.size() == 1);
        CHECK(meaning(from_json.bottles[0]) == meaning(loaded.bottles[i]));
        CHECK(config_yaml(from_json.documents[0]) == text);
    }
}

/// Texts that a reader or a terminal could take for something else.
const std::vector<std::string> kTexts = {"plain", "", " ", "true", "no", "off", "~", "null", "0777", "1.5", "22:22", "1e3", "-", "- a", "#c", "a #b", "a: b", "a:", "@x", "%x", "`x`", "&a", "*a",
                                         "!t", "|", ">", "'", "\"", "\\", "a\nb\n", "\t", "{", "[a]", ",", "?", "\x1B[31m", "\x7F", "\xC2\x85", "\xE2\x80\xAEzyx", "\xEF\xBB\xBF", "\xC3\xA4", "<<", "---", "...", "=", "${HOME}", std::string(200, 'x')};

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    bool maybe() { return below(2) == 0; }
    int below(int n) { return static_cast<int>(engine_() % static_cast<unsigned>(n)); }
    const std::string& one_of(const std::vector<std::string>& words) { return words[static_cast<std::size_t>(below(static_cast<int>(words.size())))]; }
    json texts() {
        json list = json::array();
        for (int i = below(4); i > 0; --i) list.push_back(one_of(kTexts));
        return list;
    }
    json env() {
        json map = json::object();
        for (int i = below(4); i > 0; --i) map["V" + std::to_string(below(9))] = one_of(kTexts);
        return map;
    }

private:
    std::mt19937 engine_;
};

json random_spec(Random& random, bool whole) {
    json spec = json::object();
    auto& machine = spec["machine"] = json::object();
    if (whole) machine["image"] = {{"rootfs", "rootfs"}};
    if (random.maybe()) machine["cpus"] = random.below(8) + 1;
    if (random.maybe()) machine["memory"] = random.one_of({"64Mi", "4Gi", "4096Mi", "1073741824"});
    if (random.maybe()) machine["disk"] = {{"storage", random.one_of({"1Gi", "20Gi"})}};
    if (random.maybe()) machine["user"] = random.one_of({"node", "root", "no", "y", "null"});
    if (random.maybe()) spec["agent"] = {{"command", random.texts()}};
    if (random.maybe()) spec["agent"]["env"] = random.env();
    if (random.maybe()) spec["network"] = {{"firewall", random.one_of({"auto", "required", "off"})}};
    if (!whole && random.maybe()) return spec;
    auto& container = spec["bundle"]["containers"][0] = {{"name", random.one_of({"egress", "no", "on"})}, {"image", random.one_of({"a:1", "a", "sha256:00", "0777", "1.5"})}};
    container["ports"] = json::array({{{"name", "proxy"}, {"port", 9099}}});
    if (random.maybe()) container["command"] = random.texts();
    if (random.maybe()) container["env"] = random.env();
    if (random.maybe()) container["user"] = random.one_of({"1000:1000", "1000", "22:22", "no"});
    if (random.maybe()) container["limits"] = {{"cpus", 0.25 * (random.below(8) + 1)}};
    if (random.maybe()) spec["bundle"]["externalNetwork"] = random.maybe();
    return spec;
}

}  // namespace

TEST_CASE("config prints a manifest that stands for itself: defaults filled in, templates merged") {
    const FolderOfFiles files{{"templates/base.yaml", "apiVersion: bottle/v1\nkind: BottleTemplate\nspec:\n  machine: {image: {rootfs: ../templates/rootfs}, user: node}\n  agent: {env: {LANG: \"no\"}}\n"},
                              {"templates/rootfs/etc/passwd", ""},
                              {"bottle.yaml", "apiVersion: bottle/v1\nkind: Bottle\nmetadata: {name: docs}\nspec:\n  extends: templates/base.yaml\n  machine: {image: {rootfs: ./rootfs}}\n"
                                              "  agent: {command: [claude, --print, \"tidy the docs\"]}\n  bundle:\n    containers:\n      - name: egress\n        image: bottle-egress:1\n"
                                              "        ports: [{name: proxy, port: 9099}]\n        env: {PORT: \"9099\"}\n        user: \"1000:1000\"\n        limits: {cpus: 0.5}\n"}};
    check_golden("config/docs.yaml", config_yaml(files.load_bottles({"bottle.yaml"}).documents.at(0)));
    check_golden("config/docs.json", config_json(files.load_bottles({"bottle.yaml"}).documents.at(0)));
    check_config(files, "bottle.yaml");
}

TEST_CASE("a character beyond 16 bits is one character in both forms") {
    const FolderOfFiles files{{"bottle.yaml", manifest_text({.agent = "command: [\"\xF0\x9F\x98\x80\", \"\\U0001F600\"]"})}};
    check_config(files, "bottle.yaml");
    CHECK(files.load_bottles({"bottle.yaml"}).bottles.at(0).agent.command == std::vector<std::string>{"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"});
}

TEST_CASE("config of config is config, and means the same bottle, also with a template beneath it") {
    const FolderOfFiles files{};
    for (unsigned seed = 0; seed < 300; ++seed) {
        INFO("seed " << seed);
        Random random(seed);
        json bottle = {{"apiVersion", "bottle/v1"}, {"kind", "Bottle"}, {"metadata", {{"name", random.one_of({"docs", "no", "on", "y"})}}}, {"spec", random_spec(random, true)}};
        if (random.maybe()) bottle["metadata"]["labels"] = {{"team", random.one_of(kTexts)}};
        if (random.maybe()) bottle["spec"]["extends"] = "base.yaml";
        const json base = {{"apiVersion", "bottle/v1"}, {"kind", "BottleTemplate"}, {"spec", random_spec(random, false)}};
        // JSON with escapes is YAML, too.
        files.write("base.yaml", base.dump(2, ' ', true));
        files.write("bottle.yaml", bottle.dump(2, ' ', true));
        check_config(files, "bottle.yaml");
    }
}
