#include "controllers/state/identity.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"
#include "tests/support/as_user.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <set>
#include <thread>
#include <vector>

using namespace bottle;

namespace {

bool is_hex(const std::string& text, std::size_t length) {
    return text.size() == length && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::size_t entries(const std::string& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("reading the owner's id makes nothing; making it makes it once") {
    const TempFolder top;
    const auto path = top.file("lib/owner");
    CHECK_FALSE(read_owner(path));
    CHECK_FALSE(std::filesystem::exists(top.file("lib")));
    const auto made = make_owner(path);
    CHECK(is_hex(made, 32));
    CHECK(make_owner(path) == made);
    CHECK(read_owner(path) == made);
    CHECK(entries(top.file("lib")) == 1);
}

TEST_CASE("all who make the owner's id at once get the same") {
    const TempFolder top;
    std::mutex mutex;
    std::set<std::string> ids;
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i) {
        threads.emplace_back([&] {
            const auto id = make_owner(top.file("lib/owner"));
            const std::lock_guard lock(mutex);
            ids.insert(id);
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(ids.size() == 1);
    CHECK(entries(top.file("lib")) == 1);
}

TEST_CASE("an owner's id that is none, or that others could have written, is refused") {
    const TempFolder top;
    const auto path = top.file("lib/owner");
    make_owner(path);
    std::string why = path + " does not hold what bottle wrote there";
    SECTION("empty") { write_file(path, ""); }
    SECTION("short") { write_file(path, "0123"); }
    SECTION("not hex") { write_file(path, std::string(31, 'a') + "\n"); }
    SECTION("long") { write_file(path, std::string(33, 'a')); }
    SECTION("writable") {
        REQUIRE(chmod(path.c_str(), 0666) == 0);
        why = path + " can be written by others: what it says cannot be trusted";
    }
    SECTION("in a writable folder") {
        REQUIRE(chmod(top.file("lib").c_str(), 0777) == 0);
        why = top.file("lib") + " can be written by others: what it says cannot be trusted";
    }
    SECTION("a link") {
        std::filesystem::rename(path, top.file("elsewhere"));
        std::filesystem::create_symlink(top.file("elsewhere"), path);
        why = "cannot open " + path + ": Too many levels of symbolic links";
    }
    CHECK(raised([&] { read_owner(path); }) == "1: " + why);
    CHECK(raised([&] { make_owner(path); }) == "1: " + why);
}

TEST_CASE("root's id is one for the host, another user's stands in their own state folder") {
    CHECK(owner_file("/home/sam/.local/state/bottle", 0) == "/var/lib/bottle/owner");
    CHECK(owner_file("/home/sam/.local/state/bottle", 1000) == "/home/sam/.local/state/bottle/owner");
    const TempFolder top;
    REQUIRE(chown(top.path().c_str(), kNobody, kNobody) == 0);
    const auto path = owner_file(top.file("bottle"), kNobody);
    CHECK(true_as_user([&] { return is_hex(make_owner(path), 32) && read_owner(path) == make_owner(path); }));
}

TEST_CASE("the digests' key is secret, and made only when it may be") {
    const TempFolder top;
    const auto state = top.file("state");
    CHECK(digest_key(state, false) == "no key yet");
    CHECK_FALSE(std::filesystem::exists(state));
    const auto key = digest_key(state, true);
    CHECK(is_hex(key, 64));
    CHECK(digest_key(state, true) == key);
    CHECK(digest_key(state, false) == key);
    struct stat info {};
    REQUIRE(stat((state + "/key").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    REQUIRE(chmod((state + "/key").c_str(), 0640) == 0);
    CHECK(raised([&] { digest_key(state, false); }) == "1: " + state + "/key can be read by others: it is no secret any more");
}
