#include "manifests/host_policy.h"
#include "manifests/yaml_document.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

// What the documents point at is there, and what they show of a host policy is one.
using namespace bottle;

namespace {

std::string text_of(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(std::string(BOTTLE_SOURCE) + "/" + path, std::ios::binary).rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("each test that docs/tsi-loopback.md names for A1 to A14 stands in the file that it names") {
    std::istringstream document(text_of("docs/tsi-loopback.md"));
    const std::regex named(R"(\[([a-z_/.]+)\]\(\.\./tests/([a-z_/.]+)\): `([^`]+)`)");
    std::set<std::string> numbers;
    for (std::string line; std::getline(document, line);) {
        if (line.rfind("| A", 0) != 0) continue;
        numbers.insert(line.substr(2, line.find(' ', 2) - 2));
        int tests = 0;
        for (std::sregex_iterator at(line.begin(), line.end(), named), end; at != end; ++at) {
            const auto& match = *at;
            INFO(match[0]);
            CHECK(match[1] == match[2]);
            CHECK(text_of("tests/" + match[2].str()).find("TEST_CASE(\"" + match[3].str() + "\")") != std::string::npos);
            ++tests;
        }
        INFO(line);
        CHECK(tests > 0);
    }
    CHECK(numbers.size() == 14);
}

TEST_CASE("each host policy that a document shows is read") {
    const std::regex block(R"(```yaml\n(apiVersion: bottle/v1\nkind: HostPolicy\n[^`]*)```)");
    int shown = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(BOTTLE_SOURCE) + "/docs")) {
        const auto text = text_of("docs/" + entry.path().filename().string());
        for (std::sregex_iterator at(text.begin(), text.end(), block), end; at != end; ++at) {
            INFO(entry.path());
            CHECK_NOTHROW(parse_host_policy(SourceText("config.yaml", (*at)[1].str())));
            ++shown;
        }
    }
    CHECK(shown > 0);
}
