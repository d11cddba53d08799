#include "tests/manifests/folder_of_files.h"
#include "tests/manifests/manifest_file.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace bottle;

namespace {

std::vector<std::string> names(const Loaded& loaded) {
    std::vector<std::string> names;
    for (const auto& bottle : loaded.bottles) names.push_back(bottle.name);
    return names;
}

const std::string kTemplate = "apiVersion: bottle/v1\nkind: BottleTemplate\nspec: {}\n";

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder stands for its manifests, in the order of their names") {
    const FolderOfFiles files{{"b.yaml", manifest_text({.name = "b"})}, {"a.yml", manifest_text({.name = "a"})},        {"c.yaml", manifest_text({.name = "c"}) + "---\n" + manifest_text({.name = "c2"})},
                              {"base.yaml", kTemplate},                  {"notes.txt", "no manifest"},                     {".hidden.yaml", "no manifest"},
                              {"deeper/d.yaml", manifest_text({.name = "d", .machine = "image: {rootfs: rootfs}"})}, {".git/e.yaml", "no manifest"}};
    std::filesystem::create_directory(files.path() + "/deeper/rootfs");
    std::filesystem::create_directory(files.path() + "/folder.yaml");
    std::filesystem::create_directory_symlink("deeper", files.path() + "/bb-linked");
    CHECK(names(files.load_bottles({""})) == Names{"a", "b", "c", "c2"});
    CHECK(files.load({""}).templates.size() == 1);
    CHECK(names(files.load_bottles({""}, true)) == Names{"a", "b", "c", "c2", "d"});
    SECTION("several names, in their order; a file that is named twice is read once") {
        CHECK(names(files.load_bottles({"deeper", "b.yaml"})) == Names{"d", "b"});
        CHECK(names(files.load_bottles({"b.yaml", "", "./b.yaml"})) == Names{"b", "a", "c", "c2"});
        // Who types the name of a symlink means it.
        CHECK(names(files.load_bottles({"bb-linked"})) == Names{"d"});
    }
    SECTION("what is wrong in any of them is told") {
        files.write("0.yaml", "a: b\n");
        CHECK(files.error({""}).rfind("0.yaml:1:1: error: ", 0) == 0);
    }
}

TEST_CASE("a folder without a manifest is a mistake, and a way out is known") {
    const FolderOfFiles files{{"only/deeper/a.yaml", manifest_text()}, {"none/a.json", "{}"}, {"templates/base.yaml", kTemplate}};
    std::filesystem::create_directory(files.path() + "/only/deeper/rootfs");
    CHECK(files.error({"only"}) == "only: error: there is no *.yaml or *.yml in this folder\n  hint: -R reads the folders in it too\n");
    CHECK(files.error({"only"}, true).empty());
    CHECK(files.error({"none"}) == "none: error: there is no *.yaml or *.yml in this folder\n");
    CHECK(files.error({"none"}, true) == "none: error: there is no *.yaml or *.yml in this folder\n");
    CHECK(files.error({"templates"}) == "templates: error: there are only templates here, and no bottle\n  hint: a bottle extends one: kind: Bottle, and in its spec extends: FILE\n");
    CHECK(files.error({"nowhere"}) == "nowhere: error: cannot be read: No such file or directory\n");
}

TEST_CASE("folders in folders are read to a depth, and no further") {
    const FolderOfFiles files{{"a.yaml", manifest_text()}};
    std::string path;
    for (int i = 0; i < 66; ++i) path += "d/";
    files.write(path + "b.yaml", manifest_text({.name = "b"}));
    CHECK(files.error({""}, true).find("it is more than 64 folders deep") != std::string::npos);
    CHECK(files.error({""}).empty());
}
