#include "controllers/state/state_store.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"
#include "tests/state/raw_database.h"

#include <catch2/catch.hpp>

using namespace bottle;

// What happened: what is kept of it, for how long, and what an older bottle's database has of it.
namespace {

/// A database as version 1 left it, with a bottle that was made, deleted and made again.
constexpr const char* kVersionOne = R"sql(
CREATE TABLE allocations (bottle TEXT PRIMARY KEY NOT NULL, internal_subnet TEXT NOT NULL UNIQUE, external_subnet TEXT UNIQUE, vmm_uid INTEGER UNIQUE CHECK (vmm_uid > 0)) STRICT;
CREATE TABLE journal (entry INTEGER PRIMARY KEY AUTOINCREMENT, bottle TEXT NOT NULL, begun TEXT NOT NULL, step TEXT NOT NULL, cause TEXT NOT NULL, ended TEXT, result TEXT) STRICT;
CREATE TABLE records (bottle TEXT NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (bottle, kind)) STRICT;
CREATE TABLE applied (bottle TEXT PRIMARY KEY NOT NULL, manifest TEXT NOT NULL, desired_digest TEXT NOT NULL, generation INTEGER NOT NULL) STRICT;
CREATE TABLE conditions (bottle TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (bottle, type)) STRICT;
PRAGMA user_version = 1;
INSERT INTO journal (bottle, begun, step, cause, ended, result) VALUES
  ('docs', '2026-01-01T00:00:00Z', 'create network bottle-docs', 'absent', '2026-01-01T00:00:01Z', 'done'),
  ('docs', '2026-01-02T00:00:00Z', 'forget state bottle-docs', 'deleted', '2026-01-02T00:00:01Z', 'done'),
  ('docs', '2026-01-03T00:00:00Z', 'create network bottle-docs', 'absent', '2026-01-03T00:00:01Z', 'done'),
  ('docs', '2026-01-04T00:00:00Z', 'start bottle-docs', 'not running', NULL, NULL),
  ('gone', '2026-01-01T00:00:00Z', 'create network bottle-gone', 'absent', '2026-01-01T00:00:01Z', 'done');
INSERT INTO applied VALUES ('docs', '{"format":"old"}', 'd', 3);
INSERT INTO conditions VALUES ('docs', 'Ready', 'True', '2026-01-03T00:00:02Z');
)sql";

struct Fixture {
    TempFolder top;
    std::string path = top.file("state") + "/state.db";

    explicit Fixture(bool old) {
        std::filesystem::create_directory(top.file("state"));
        std::filesystem::permissions(top.file("state"), std::filesystem::perms::owner_all);
        if (!old) return;
        RawDatabase(path).exec(kVersionOne);
        std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
};

std::vector<std::string> types(const Records& records) {
    std::vector<std::string> all;
    for (const auto& change : records.transitions) all.push_back(change.type + "=" + change.status);
    return all;
}

}  // namespace

TEST_CASE("what happened is kept, also of a bottle that was deleted") {
    const Fixture place(false);
    StateStore store(place.path);
    CHECK(store.history("").journal.empty());
    CHECK_FALSE(store.created("docs"));
    CHECK_FALSE(std::filesystem::exists(place.path));

    store.journal_end(store.journal_begin("docs", "create network bottle-docs", "absent"), "done");
    store.save_applied("docs", "one", "d1");
    store.save_applied("docs", "one", "d1");
    store.save_applied("docs", "two", "d1");
    store.save_applied("docs", "two", "d2");
    store.save_conditions("docs", {{"Ready", "False", "Drifted", "because"}, {"Confined", "True", "Proved", ""}});
    store.save_conditions("docs", {{"Ready", "False", "Another", "the same status"}, {"Confined", "True", "Proved", ""}});
    store.save_conditions("docs", {{"Ready", "True", "AllHold", ""}, {"Confined", "True", "Proved", ""}});
    store.save_applied("other", "three", "d3");

    const auto records = store.history("docs");
    REQUIRE(records.journal.size() == 1);
    CHECK(records.journal.front().step == "create network bottle-docs");
    CHECK(records.journal.front().cause == "absent");
    CHECK(records.journal.front().result == "done");
    CHECK_FALSE(records.journal.front().ended.empty());
    CHECK(types(records) == std::vector<std::string>{"Ready=False", "Confined=True", "Ready=True"});
    CHECK(records.transitions.front().reason == "Drifted");
    CHECK(records.transitions.front().message == "because");
    REQUIRE(records.revisions.size() == 3);
    CHECK(records.revisions[0].manifest == "one");
    CHECK(records.revisions[0].generation == 1);
    CHECK(records.revisions[1].manifest == "two");
    CHECK(records.revisions[1].generation == 1);
    CHECK(records.revisions[2].generation == 2);
    CHECK(store.history("").revisions.size() == 4);
    CHECK(store.created("docs") == records.revisions[0].time);

    store.forget("docs");
    CHECK(store.history("docs").journal.size() == 1);
    CHECK(store.history("docs").transitions.size() == 3);
    CHECK(store.history("docs").revisions.empty());
    CHECK_FALSE(store.created("docs"));
    CHECK(store.history("other").revisions.size() == 1);
}

TEST_CASE("what happened is bounded: of each bottle, and of all together") {
    const Fixture place(false);
    StateStore store(place.path);
    store.journal_begin("docs", "first", "c");
    store.save_applied("docs", "first", "d");
    store.save_conditions("docs", {{"Ready", "False", "First", std::string(5000, 'x')}});
    CHECK(store.history("docs").transitions.front().message == std::string(1000, 'x'));
    const RawDatabase raw(place.path);
    SECTION("of one bottle the newest stay, and another's are not touched") {
        store.journal_begin("other", "kept", "c");
        raw.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 998) INSERT INTO journal (bottle, begun, step, cause) SELECT 'docs', 't', 's', 'c' FROM n");
        raw.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 499) INSERT INTO transitions (bottle, time, type, status, reason, message) SELECT 'docs', 't', 'Other', 's', 'r', 'm' FROM n");
        raw.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 49) INSERT INTO revisions (bottle, time, generation, manifest) SELECT 'docs', 't', 1, 'm' FROM n");
        store.journal_begin("docs", "the thousandth", "c");
        CHECK(store.history("docs").journal.size() == 1000);
        CHECK(store.history("docs").journal.front().step == "first");
        const auto last = store.journal_begin("docs", "one more", "c");
        store.journal_end(last, "done");
        store.save_applied("docs", "one more", "d");
        store.save_conditions("docs", {{"Ready", "True", "r", ""}});
        const auto records = store.history("docs");
        CHECK(records.journal.size() == 1000);
        CHECK(records.journal.front().step == "s");
        CHECK(records.journal.back().result == "done");
        CHECK(records.transitions.size() == 500);
        CHECK(records.transitions.front().type == "Other");
        CHECK(records.transitions.back().status == "True");
        CHECK(records.revisions.size() == 50);
        CHECK(records.revisions.front().manifest == "m");
        CHECK(records.revisions.back().manifest == "one more");
        CHECK(store.history("other").journal.size() == 1);
    }
    SECTION("of all together, the newest stay") {
        raw.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20010) INSERT INTO journal (bottle, begun, step, cause) SELECT 'b' || i, 't', 's', 'c' FROM n");
        store.journal_begin("docs", "last", "c");
        CHECK(raw.text("SELECT count(*) FROM journal") == "20000");
        CHECK(store.history("docs").journal.size() == 1);
        CHECK(store.history("docs").journal.front().step == "last");
    }
}

TEST_CASE("a database of an older bottle is read as it is, and not changed by reading") {
    const Fixture place(true);
    const auto before = read_file(place.path);
    StateStore store(place.path);
    CHECK(store.history("docs").journal.size() == 4);
    CHECK(store.history("docs").journal.back().ended.empty());
    CHECK(store.history("").journal.size() == 5);
    CHECK(store.history("docs").transitions.empty());
    CHECK(store.history("docs").revisions.empty());
    CHECK_FALSE(store.created("docs"));
    CHECK(store.applied("docs")->generation == 3);
    CHECK(read_file(place.path) == before);
    CHECK_FALSE(std::filesystem::exists(place.path + "-journal"));
}

TEST_CASE("the first that is written to a database of an older bottle brings it up to date, and loses nothing") {
    const Fixture place(true);
    StateStore reader(place.path);
    CHECK(reader.history("docs").revisions.empty());
    StateStore store(place.path);
    store.journal_begin("docs", "seal bottle-docs", "open after each start");
    const auto records = store.history("docs");
    CHECK(records.journal.size() == 5);
    REQUIRE(records.revisions.size() == 1);
    CHECK(records.revisions.front().manifest == R"({"format":"old"})");
    CHECK(records.revisions.front().generation == 3);
    CHECK(records.revisions.front().time.empty());
    // As old as the first step after it was deleted.
    CHECK(store.created("docs") == std::string("2026-01-03T00:00:00Z"));
    CHECK_FALSE(store.created("gone"));
    CHECK(store.transition_times("docs") == std::map<std::string, std::string>{{"Ready", "2026-01-03T00:00:02Z"}});
    CHECK(store.save_applied("docs", R"({"format":"old"})", "d") == 3);
    CHECK(store.history("docs").revisions.size() == 1);
    CHECK(store.save_applied("docs", "new", "e") == 4);
    CHECK(store.history("docs").revisions.size() == 2);
    // One that had it open before sees the new tables too.
    CHECK(reader.history("docs").revisions.size() == 2);
    CHECK(RawDatabase(place.path).text("PRAGMA user_version") == "2");
    CHECK(RawDatabase(place.path).text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a new database and one that was brought up to date have the same tables") {
    const Fixture fresh(false);
    const Fixture old(true);
    for (const auto* place : {&fresh, &old}) StateStore(place->path).journal_begin("docs", "s", "c");
    const auto* names = "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master ORDER BY name)";
    CHECK(RawDatabase(fresh.path).text(names) == RawDatabase(old.path).text(names));
    CHECK(RawDatabase(fresh.path).text("PRAGMA user_version") == "2");
}
