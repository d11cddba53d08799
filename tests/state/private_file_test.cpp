#include "controllers/state/private_file.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <set>

using namespace bottle;

namespace {

constexpr uid_t kStranger = 65534;

mode_t mode_of(const std::string& path) {
    struct stat info {};
    lstat(path.c_str(), &info);
    return info.st_mode & 07777;
}

std::set<std::string> names_in(const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename());
    return names;
}

}  // namespace

TEST_CASE("a private folder is made for us alone, with those above it") {
    const TempFolder top;
    const auto folder = top.file("a/b/c");
    CHECK_FALSE(check_private_folder(folder));
    CHECK_FALSE(std::filesystem::exists(top.file("a")));
    make_private_folder(folder);
    for (const auto* made : {"a", "a/b", "a/b/c"}) CHECK(mode_of(top.file(made)) == 0700);
    CHECK(check_private_folder(folder));
    make_private_folder(folder);
}

TEST_CASE("a folder that others could have filled is refused") {
    const TempFolder top;
    const auto folder = top.file("state");
    make_private_folder(folder);
    std::string why;
    SECTION("it is another's") {
        REQUIRE(chown(folder.c_str(), kStranger, 0) == 0);
        why = folder + " belongs to uid 65534, not to us";
    }
    SECTION("the group writes") {
        REQUIRE(chmod(folder.c_str(), 0770) == 0);
        why = folder + " can be written by others: what it says cannot be trusted";
    }
    SECTION("all write") {
        REQUIRE(chmod(folder.c_str(), 01777) == 0);
        why = folder + " can be written by others: what it says cannot be trusted";
    }
    SECTION("it is a link, even to a good one") {
        std::filesystem::rename(folder, top.file("real"));
        std::filesystem::create_directory_symlink(top.file("real"), folder);
        why = folder + " is no folder";
    }
    SECTION("it is a file") {
        std::filesystem::remove(folder);
        write_file(folder, "");
        why = folder + " is no folder";
    }
    CHECK(raised([&] { check_private_folder(folder); }) == "1: " + why);
    CHECK(raised([&] { make_private_folder(folder); }) == "1: " + why);
}

TEST_CASE("a folder that others could exchange is refused") {
    const TempFolder top;
    const auto above = top.file("above");
    const auto folder = above + "/state";
    make_private_folder(folder);
    SECTION("the one above is another's") {
        REQUIRE(chown(above.c_str(), kStranger, 0) == 0);
        CHECK(raised([&] { check_private_folder(folder); }) == "1: " + folder + " stands in " + above + ", where uid 65534 could exchange it");
    }
    SECTION("all write in the one above") {
        REQUIRE(chmod(above.c_str(), 0777) == 0);
        CHECK(raised([&] { check_private_folder(folder); }) == "1: " + folder + " stands in " + above + ", where uid 0 and others could exchange it");
    }
    SECTION("all write in the one above, but nobody may rename what is another's there") {
        REQUIRE(chmod(above.c_str(), 01777) == 0);
        CHECK(check_private_folder(folder));
    }
    SECTION("by a link above it, the real way counts") {
        REQUIRE(chmod(above.c_str(), 0777) == 0);
        std::filesystem::create_directory_symlink(above, top.file("link"));
        CHECK(raised([&] { check_private_folder(top.file("link/state")); }) == "1: " + top.file("link/state") + " stands in " + above + ", where uid 0 and others could exchange it");
    }
}

TEST_CASE("a file is replaced as a whole and leaves nothing beside it") {
    const TempFolder top;
    CHECK_FALSE(read_private_file(top.file("f")));
    CHECK_FALSE(read_private_file(top.file("none/f")));
    write_private_file(top.file("f"), "one");
    write_private_file(top.file("f"), std::string(200'000, 'x'));
    CHECK(read_private_file(top.file("f")) == std::string(200'000, 'x'));
    CHECK(mode_of(top.file("f")) == 0600);
    CHECK(names_in(top.path()) == std::set<std::string>{"f"});
}

TEST_CASE("a link in a file's place is neither read nor written through") {
    const TempFolder top;
    write_file(top.file("victim"), "keep");
    std::filesystem::create_symlink(top.file("victim"), top.file("f"));
    CHECK(raised([&] { read_private_file(top.file("f")); }) == "1: cannot open " + top.file("f") + ": Too many levels of symbolic links");
    write_private_file(top.file("f"), "new");
    CHECK(read_file(top.file("victim")) == "keep");
    CHECK(read_private_file(top.file("f")) == std::string("new"));
}

TEST_CASE("what is no file, or too large, is refused without waiting") {
    const TempFolder top;
    REQUIRE(mkfifo(top.file("pipe").c_str(), 0600) == 0);
    CHECK(raised([&] { read_private_file(top.file("pipe")); }) == "1: " + top.file("pipe") + " is no regular file");
    CHECK(raised([&] { read_private_file(top.path()); }) == "1: " + top.path() + " is no regular file");
    write_file(top.file("f"), "12345");
    CHECK(read_private_file(top.file("f"), 5) == std::string("12345"));
    CHECK(raised([&] { read_private_file(top.file("f"), 4); }) == "1: " + top.file("f") + " has more than 4 bytes");
}

TEST_CASE("a file that we act upon must be ours") {
    const TempFolder top;
    const auto path = top.file("f");
    write_private_file(path, "x");
    CHECK(read_own_file(path, true) == std::string("x"));
    CHECK_FALSE(read_own_file(top.file("none"), true));
    REQUIRE(chmod(path.c_str(), 0644) == 0);
    CHECK(read_own_file(path, false) == std::string("x"));
    CHECK(raised([&] { read_own_file(path, true); }) == "1: " + path + " can be read by others: it is no secret any more");
    REQUIRE(chmod(path.c_str(), 0620) == 0);
    CHECK(raised([&] { read_own_file(path, false); }) == "1: " + path + " can be written by others: what it says cannot be trusted");
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    REQUIRE(chown(path.c_str(), kStranger, 0) == 0);
    CHECK(raised([&] { read_own_file(path, false); }) == "1: " + path + " belongs to uid 65534, not to us");
}
