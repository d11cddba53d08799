#include "controllers/host/passable.h"

#include "tests/guest/temp_folder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace bottle;

namespace {

constexpr std::int64_t kVmm = 2'900'005;
constexpr gid_t kGroup = 995;

/// /tmp/…/a/image, open to all but for what a test changes.
struct Tree {
    TempFolder top;
    std::string above = top.file("a");
    std::string image = top.file("a/image");

    Tree() {
        std::filesystem::create_directories(image);
        for (const auto& folder : {top.path(), above, image}) set(folder, 0755);
    }
    static void set(const std::string& path, mode_t mode, gid_t group = 0) {
        REQUIRE(chown(path.c_str(), 0, group) == 0);
        REQUIRE(chmod(path.c_str(), mode) == 0);
    }
};

}  // namespace

TEST_CASE("a way that is open to all keeps nobody out") {
    const Tree tree;
    CHECK(impassable_folders(tree.image, kVmm).empty());
}

TEST_CASE("each folder that keeps the VMM out is named, outermost first") {
    const Tree tree;
    Tree::set(tree.top.path(), 0700);
    Tree::set(tree.above, 0744);
    Tree::set(tree.image, 0751);
    CHECK(impassable_folders(tree.image, kVmm) ==
          std::vector<Impassable>{{tree.top.path(), true, false}, {tree.above, true, false}, {tree.image, true, true}});
    // On the way, entering is enough; the last one is read.
    Tree::set(tree.top.path(), 0711);
    Tree::set(tree.above, 0711);
    CHECK(impassable_folders(tree.image, kVmm) == std::vector<Impassable>{{tree.image, true, true}});
    Tree::set(tree.image, 0754);
    CHECK(impassable_folders(tree.image, kVmm) == std::vector<Impassable>{{tree.image, true, true}});
}

TEST_CASE("a trailing slash changes nothing") {
    const Tree tree;
    Tree::set(tree.image, 0751);
    CHECK(impassable_folders(tree.image + "/", kVmm).size() == 1);
}

TEST_CASE("the group's bits count for its members, for better and for worse") {
    const Tree tree;
    Tree::set(tree.above, 0750, kGroup);
    CHECK(impassable_folders(tree.image, kVmm).size() == 1);
    CHECK(impassable_folders(tree.image, kVmm, {kGroup}).empty());
    Tree::set(tree.above, 0705, kGroup);
    CHECK(impassable_folders(tree.image, kVmm).empty());
    CHECK(impassable_folders(tree.image, kVmm, {kGroup}).size() == 1);
}

TEST_CASE("behind a link the real way is looked at too") {
    const Tree tree;
    const Tree other;
    std::filesystem::create_directory_symlink(tree.above, other.top.file("link"));
    const auto by_link = other.top.file("link/image");
    CHECK(impassable_folders(by_link, kVmm).empty());
    Tree::set(tree.top.path(), 0700);
    CHECK(impassable_folders(by_link, kVmm) == std::vector<Impassable>{{tree.top.path(), true, false}});
    Tree::set(other.top.path(), 0700);
    CHECK(impassable_folders(by_link, kVmm) == std::vector<Impassable>{{other.top.path(), true, false}, {tree.top.path(), true, false}});
}

TEST_CASE("what is not there, or is no folder, is told as that") {
    const Tree tree;
    CHECK(impassable_folders(tree.image + "/none/deeper", kVmm) == std::vector<Impassable>{{tree.image + "/none", false, false}});
    write_file(tree.image + "/file", "");
    CHECK(impassable_folders(tree.image + "/file", kVmm) == std::vector<Impassable>{{tree.image + "/file", false, false}});
}

TEST_CASE("an image that the VMM could write is noticed") {
    const Tree tree;
    CHECK_FALSE(writable_by(tree.image, kVmm));
    Tree::set(tree.image, 0757);
    CHECK(writable_by(tree.image, kVmm));
    Tree::set(tree.image, 0775, kGroup);
    CHECK_FALSE(writable_by(tree.image, kVmm));
    CHECK(writable_by(tree.image, kVmm, {kGroup}));
    // Its owner can give itself the right.
    Tree::set(tree.image, 0555);
    REQUIRE(chown(tree.image.c_str(), kVmm, 0) == 0);
    CHECK(writable_by(tree.image, kVmm));
    CHECK_FALSE(writable_by(tree.image + "/none", kVmm));
}
