#include "manifests/yaml_text.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

using namespace bottle;
using nlohmann::ordered_json;

namespace {

std::string written(const std::string& text) {
    return yaml_text(ordered_json{{"text", text}});
}

}  // namespace

TEST_CASE("YAML: what one reader or another takes for something else is quoted") {
    for (const std::string text : {"yes", "Off", "null", "~", "1.0", "0x10", "22:22", "2026", "2026-11-24", "2026-11-24T12:00:00Z", "", "-", "a b", "a:", "- a", "#a", "*a", "a,b", "..."}) {
        CHECK(written(text) == "text: \"" + text + "\"\n");
    }
    for (const std::string text : {"docs", "egress:1", "10.231.0.2", "/run/bottle", "./rootfs", "-q", "--print"}) CHECK(written(text) == "text: " + text + "\n");
}

TEST_CASE("YAML: what cannot be seen, or turns text round, stands as an escape") {
    CHECK(written("\x7f") == "text: \"\\x7f\"\n");
    CHECK(written("\x1b[2J") == "text: \"\\x1b[2J\"\n");
    CHECK(written("a\xe2\x80\xae" "b") == "text: \"a\\u202eb\"\n");
    CHECK(written("\xc2\x85") == "text: \"\\x85\"\n");
    CHECK(written("\xc3\xa9t\xc3\xa9") == "text: \"\xc3\xa9t\xc3\xa9\"\n");
    CHECK(written("\xff") == "text: \"\\ufffd\"\n");
}

TEST_CASE("YAML: keys as they stand, also as escapes, and empty things in one line") {
    CHECK(yaml_text(ordered_json{{"b", ordered_json::array()}, {"a", ordered_json::object()}, {"\x7f", nullptr}, {"list", {1, true, "no"}}}) ==
          "b: []\na: {}\n\"\\x7f\": ~\nlist: [1, true, \"no\"]\n");
}
