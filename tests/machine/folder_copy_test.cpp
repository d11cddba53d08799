#include "controllers/machine/folder_copy.h"

#include "controllers/machine/image_copy.h"
#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"
#include "tests/support/as_user.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <functional>

using namespace bottle;

namespace {

struct stat look(const std::string& path) {
    struct stat info {};
    REQUIRE(lstat(path.c_str(), &info) == 0);
    return info;
}

std::string listing(const std::string& folder) {
    const auto is = folder_listing(folder);
    REQUIRE(is.present());
    return *is;
}

/// A root file system in small, with everything that may stand in one.
void make_source(const std::string& folder) {
    std::filesystem::create_directories(folder + "/bin/deep");
    std::filesystem::create_directories(folder + "/ro");
    write_file(folder + "/bin/sh", "#!shell");
    write_file(folder + "/bin/deep/empty", "");
    write_file(folder + "/ro/big", std::string(3 << 20, 'b'));
    std::filesystem::create_symlink("/etc/passwd", folder + "/bin/outside");
    std::filesystem::create_directory_symlink("..", folder + "/bin/up");
    REQUIRE(mkfifo((folder + "/fifo").c_str(), 0640) == 0);
    REQUIRE(chmod((folder + "/bin/sh").c_str(), 04755) == 0);
    REQUIRE(chmod((folder + "/ro").c_str(), 0555) == 0);
    const timespec times[2] = {{1000, 0}, {1234567, 89}};
    REQUIRE(utimensat(AT_FDCWD, (folder + "/bin/sh").c_str(), times, 0) == 0);
}

CopyImage copy_of(const std::string& folder) {
    return {{ImageSource::Kind::Rootfs, folder}, 0};
}

}  // namespace

TEST_CASE("a copy has every entry with its content, mode, time and link, and follows none") {
    const TempFolder top;
    const auto source = top.file("source");
    const auto copy = top.file("copy");
    make_source(source);
    copy_folder(source, copy);
    CHECK(read_file(copy + "/bin/sh") == "#!shell");
    CHECK(read_file(copy + "/ro/big") == std::string(3 << 20, 'b'));
    CHECK(look(copy + "/bin/deep/empty").st_size == 0);
    CHECK(std::filesystem::read_symlink(copy + "/bin/outside") == "/etc/passwd");
    CHECK(std::filesystem::read_symlink(copy + "/bin/up") == "..");
    CHECK(S_ISFIFO(look(copy + "/fifo").st_mode));
    CHECK((look(copy + "/bin/sh").st_mode & 07777) == 04755);
    CHECK(look(copy + "/bin/sh").st_mtim.tv_sec == 1234567);
    CHECK(look(copy + "/bin/sh").st_mtim.tv_nsec == 89);
    // What its owner could not change could not be removed either.
    CHECK((look(copy + "/ro").st_mode & 07777) == 0755);
    CHECK(raised([&] { copy_folder(source, copy); }).find("cannot make " + copy) != std::string::npos);
    remove_folder(copy);
    CHECK_FALSE(std::filesystem::exists(copy));
    remove_folder(copy);
}

TEST_CASE("devices and sockets are left out of a copy") {
    const TempFolder top;
    make_source(top.file("source"));
    REQUIRE(mknod(top.file("source/null").c_str(), S_IFSOCK | 0600, 0) == 0);
    copy_folder(top.file("source"), top.file("copy"));
    CHECK_FALSE(std::filesystem::exists(top.file("copy/null")));
    CHECK(std::filesystem::exists(top.file("copy/fifo")));
}

TEST_CASE("a listing changes with everything that is done in a folder") {
    const TempFolder top;
    const auto folder = top.file("source");
    make_source(folder);
    const auto before = listing(folder);
    CHECK(listing(folder) == before);
    const auto touched = look(folder + "/bin/sh");
    const std::vector<std::pair<const char*, std::function<void()>>> changes = {
        {"a new file", [&] { write_file(folder + "/bin/new", "x"); }},
        {"a file less", [&] { std::filesystem::remove(folder + "/bin/deep/empty"); }},
        {"a mode", [&] { chmod((folder + "/bin/sh").c_str(), 0755); }},
        {"another link",
         [&] {
             std::filesystem::remove(folder + "/bin/outside");
             std::filesystem::create_symlink("/etc/shadow", folder + "/bin/outside");
         }},
        {"content of the same size, and its time set back",
         [&] {
             write_file(folder + "/bin/sh", "#!SHELL");
             const timespec times[2] = {touched.st_atim, touched.st_mtim};
             utimensat(AT_FDCWD, (folder + "/bin/sh").c_str(), times, 0);
         }},
    };
    auto last = before;
    for (const auto& [what, change] : changes) {
        INFO(what);
        change();
        const auto now = listing(folder);
        CHECK(now != last);
        last = now;
    }
    CHECK(folder_listing(top.file("none")).absent());
    write_file(top.file("file"), "x");
    CHECK(folder_listing(top.file("file")).unknown());
    std::filesystem::create_directory_symlink(folder, top.file("link"));
    CHECK(folder_listing(top.file("link")).unknown());
}

TEST_CASE("without root: a copy is ours whoever made its source, and what cannot be read is said") {
    const TempFolder top;
    REQUIRE(chmod(top.path().c_str(), 0755) == 0);
    make_source(top.file("source"));
    const auto own = top.file("own");
    std::filesystem::create_directory(own);
    REQUIRE(chown(own.c_str(), kNobody, kNobody) == 0);
    CHECK(true_as_user([&] {
        copy_folder(top.file("source"), own + "/copy");
        return folder_listing(own + "/copy").present();
    }));
    CHECK(look(own + "/copy/ro/big").st_uid == kNobody);
    // Modes that keep even their owner out.
    REQUIRE(chmod((own + "/copy/bin").c_str(), 0) == 0);
    REQUIRE(chmod((own + "/copy").c_str(), 0500) == 0);
    CHECK(true_as_user([&] {
        remove_folder(own + "/copy");
        return true;
    }));
    CHECK_FALSE(std::filesystem::exists(own + "/copy"));

    REQUIRE(chmod(top.file("source/bin/sh").c_str(), 0700) == 0);
    CHECK(true_as_user([&] {
        const auto outcome = make_image_copy(copy_of(top.file("source")), own + "/image");
        return outcome.kind == Outcome::Kind::Failed && outcome.exit == Exit::Precondition &&
               outcome.text == "cannot read " + top.file("source/bin/sh") + ": Permission denied";
    }));
    CHECK_FALSE(std::filesystem::exists(own + "/image"));
}

TEST_CASE("the image's copy counts only when it is whole") {
    const TempFolder top;
    const auto source = top.file("source");
    const auto image = top.file("bottle/image");
    make_source(source);
    CHECK(image_copy(image).absent());
    REQUIRE(make_image_copy(copy_of(source), image).kind == Outcome::Kind::Done);
    auto copy = image_copy(image);
    REQUIRE(copy.present());
    CHECK(copy.value() == ImageCopy{source, listing(source), listing(image)});

    SECTION("made again where it was, after the source changed") {
        write_file(source + "/bin/sh", "#!new");
        write_file(image + "/bin/left", "by a guest that broke out");
        REQUIRE(make_image_copy(copy_of(source), image).kind == Outcome::Kind::Done);
        CHECK(read_file(image + "/bin/sh") == "#!new");
        CHECK_FALSE(std::filesystem::exists(image + "/bin/left"));
        CHECK(image_copy(image).value().source_listing == listing(source));
    }
    SECTION("what a crash left beside it is no copy, and in nobody's way") {
        std::filesystem::create_directories(image + ".new/half");
        REQUIRE(make_image_copy(copy_of(source), image).kind == Outcome::Kind::Done);
        CHECK_FALSE(std::filesystem::exists(image + ".new"));
    }
    SECTION("a failed one leaves none that counts") {
        std::filesystem::remove_all(source);
        const auto outcome = make_image_copy(copy_of(source), image);
        CHECK(outcome.kind == Outcome::Kind::Failed);
        CHECK(image_copy(image).absent());
    }
    SECTION("a record that is none") {
        write_file(image + ".json", "{}");
        CHECK(image_copy(image).unknown());
    }
}
