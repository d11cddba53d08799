#include "manifests/host_policy.h"
#include "manifests/yaml_document.h"
#include "tests/manifests/manifest_file.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace bottle;

namespace {

std::string text_of(const std::filesystem::path& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

std::set<std::filesystem::path> mistakes(const std::string& folder = "mistakes") {
    std::set<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(BOTTLE_SOURCE) + "/tests/golden/" + folder)) {
        if (entry.path().extension() == ".yaml") files.insert(entry.path());
    }
    return files;
}

/// The folder that differs each time, out of the hints.
std::string without(std::string text, const std::string& folder) {
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.replace(at, folder.size(), "FOLDER");
    return text;
}

}  // namespace

TEST_CASE("each mistake of a newcomer gets a message with its place, a caret and a way out") {
    REQUIRE(mistakes().size() >= 50);
    for (const auto& path : mistakes()) {
        const ManifestFile file(text_of(path));
        const auto error = without(file.error(), std::filesystem::canonical(file.folder()).string());
        INFO(path.filename().string() << "\n" << error);
        check_golden("mistakes/" + path.stem().string() + ".txt", error);
        CHECK(error.rfind("bottle.yaml:", 0) == 0);
        // An empty line has nothing to point at.
        CHECK((error.find("^\n") != std::string::npos || path.stem() == "empty-document"));
        CHECK(error.find("  hint: ") != std::string::npos);
    }
}

TEST_CASE("so does each mistake in a host policy") {
    REQUIRE(mistakes("policies").size() >= 15);
    for (const auto& path : mistakes("policies")) {
        std::string told;
        try {
            parse_host_policy(SourceText("config.yaml", text_of(path)));
        } catch (const Error& error) {
            CHECK(error.exit() == Exit::Usage);
            told = render(error);
        }
        INFO(path.filename().string() << "\n" << told);
        check_golden("policies/" + path.stem().string() + ".txt", told);
        CHECK(told.rfind("config.yaml:", 0) == 0);
        CHECK(told.find("^\n") != std::string::npos);
        CHECK(told.find("  hint: ") != std::string::npos);
    }
}
