#include "controllers/state/state_store.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"
#include "tests/state/raw_database.h"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace bottle;
using std::chrono::milliseconds;

// The database file in every condition in which it may be found.
namespace {

const Allocation kOne{"10.231.0.0/29", "10.232.0.0/29", 2'900'000};

struct Fixture {
    TempFolder top;
    std::string folder = top.file("state");
    std::string path = folder + "/state.db";

    Fixture() {
        StateStore store(path);
        store.reserve("docs", kOne);
        for (int i = 0; i < 200; ++i) store.journal_begin("docs", "step", std::string(100, 'x'));
    }
    std::string read_error() const {
        return raised([&] { StateStore(path, milliseconds(50)).read("docs"); });
    }
    std::string write_error() const {
        return raised([&] { StateStore(path, milliseconds(50)).journal_begin("docs", "s", "c"); });
    }
};

}  // namespace

TEST_CASE("a database that another process has locked is told as that") {
    const Fixture place;
    const RawDatabase other(place.path);
    SECTION("for writing: reading goes on") {
        other.exec("BEGIN IMMEDIATE");
        CHECK(place.read_error().empty());
        CHECK(place.write_error() == "1: " + place.path + " cannot be written: another process has locked it for longer than 0.05 s");
    }
    SECTION("wholly") {
        other.exec("BEGIN EXCLUSIVE");
        CHECK(place.read_error() == "1: " + place.path + " cannot be read: another process has locked it for longer than 0.05 s");
        CHECK(place.write_error() == "1: " + place.path + " cannot be written: another process has locked it for longer than 0.05 s");
    }
    other.exec("ROLLBACK");
    CHECK(place.read_error().empty());
    CHECK(place.write_error().empty());
}

TEST_CASE("a store works again when the lock is gone") {
    const Fixture place;
    StateStore store(place.path, milliseconds(50));
    const RawDatabase other(place.path);
    other.exec("BEGIN EXCLUSIVE");
    CHECK_FALSE(raised([&] { store.read("docs"); }).empty());
    CHECK_FALSE(raised([&] { store.journal_begin("docs", "s", "c"); }).empty());
    other.exec("ROLLBACK");
    CHECK(store.read("docs").allocation == kOne);
    CHECK(store.journal_begin("docs", "s", "c") == 201);
}

TEST_CASE("a database of a newer bottle is neither read nor written") {
    const Fixture place;
    RawDatabase(place.path).exec("PRAGMA user_version = 3");
    const auto bytes = read_file(place.path);
    const auto wanted = "1: " + place.path + " was written by a newer bottle (format 3, this one knows 2)";
    CHECK(place.read_error() == wanted);
    CHECK(place.write_error() == wanted);
    CHECK(read_file(place.path) == bytes);
}

TEST_CASE("what is no database is told as that, and stays as it is") {
    const Fixture place;
    write_file(place.path, std::string(5000, 'g'));
    CHECK(place.read_error() == "1: " + place.path + " cannot be read: it is no database");
    CHECK(place.write_error() == "1: " + place.path + " cannot be written: it is no database");
    CHECK(read_file(place.path) == std::string(5000, 'g'));
}

TEST_CASE("a database with other tables is not taken over") {
    const Fixture place;
    std::filesystem::remove(place.path);
    RawDatabase(place.path).exec("CREATE TABLE allocations (something TEXT)");
    CHECK(place.write_error() == "1: " + place.path + " cannot be written: table allocations already exists");
}

TEST_CASE("a database cut at any length is an error or the whole, never a part of it") {
    const Fixture place;
    const auto bytes = read_file(place.path);
    REQUIRE(bytes.size() > 20'000);
    std::size_t errors = 0;
    std::size_t lengths = 0;
    for (std::size_t length = 1; length < bytes.size(); length += 1021, ++lengths) {
        write_file(place.path, bytes.substr(0, length));
        Observation<StoredState> state;
        const auto error = raised([&] { state = StateStore(place.path).read("docs"); });
        errors += !error.empty();
        INFO(length);
        if (state.present()) CHECK(state->allocation == kOne);
    }
    CHECK(errors > 0);
    CHECK(lengths > 20);
    // Nothing in it at all: a process died before its first commit.
    write_file(place.path, "");
    CHECK(place.read_error().empty());
    CHECK(place.write_error().empty());
}

TEST_CASE("a process that dies in the middle of a commit leaves what was before") {
    const Fixture place;
    const auto before = read_file(place.path);
    const pid_t pid = fork();
    if (pid == 0) {
        const RawDatabase database(place.path);
        // A cache of one page: what is changed goes to the file before the commit.
        database.exec("PRAGMA cache_size = 1; BEGIN IMMEDIATE; UPDATE allocations SET vmm_uid = 1; UPDATE journal SET cause = 'half'");
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, nullptr, 0);
    REQUIRE(std::filesystem::exists(place.path + "-journal"));
    REQUIRE(read_file(place.path) != before);
    SECTION("for one that reads") { CHECK(StateStore(place.path).read("docs").allocation == kOne); }
    SECTION("for one that writes") { StateStore(place.path).save_provisioned("docs", "1:2", {}); }
    CHECK(StateStore(place.path).read("docs").allocation == kOne);
    CHECK(RawDatabase(place.path).text("SELECT count(*) FROM journal WHERE cause = 'half'") == "0");
    CHECK_FALSE(std::filesystem::exists(place.path + "-journal"));
}

TEST_CASE("a record that was tampered with is an error that names the file") {
    const Fixture place;
    StateStore(place.path).save_proof("docs", {});
    RawDatabase(place.path).exec("UPDATE records SET document = '{}'");
    CHECK(place.read_error().rfind("1: a record cannot be read: ", 0) == 0);
    try {
        StateStore(place.path).read("docs");
        FAIL("read");
    } catch (const Error& error) {
        CHECK(error.trace() == std::vector<std::string>{"while reading " + place.path});
    }
}

TEST_CASE("a database that others could have written is refused") {
    const Fixture place;
    std::string why;
    SECTION("another's") {
        REQUIRE(chown(place.path.c_str(), 65534, 0) == 0);
        why = place.path + " belongs to uid 65534, not to us";
    }
    SECTION("writable") {
        REQUIRE(chmod(place.path.c_str(), 0666) == 0);
        why = place.path + " can be written by others: what it says cannot be trusted";
    }
    SECTION("a link") {
        std::filesystem::rename(place.path, place.top.file("elsewhere.db"));
        std::filesystem::create_symlink(place.top.file("elsewhere.db"), place.path);
        why = place.path + " is no regular file";
    }
    SECTION("a folder") {
        std::filesystem::remove(place.path);
        std::filesystem::create_directory(place.path);
        why = place.path + " is no regular file";
    }
    SECTION("in a folder that others write") {
        REQUIRE(chmod(place.folder.c_str(), 0777) == 0);
        why = place.folder + " can be written by others: what it says cannot be trusted";
    }
    SECTION("in another's folder") {
        REQUIRE(chown(place.folder.c_str(), 65534, 0) == 0);
        why = place.folder + " belongs to uid 65534, not to us";
    }
    CHECK(place.write_error() == "1: " + why);
    CHECK(place.read_error() == "1: " + why);
}
