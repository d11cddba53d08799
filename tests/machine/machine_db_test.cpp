#include "controllers/machine/machine_db.h"

#include "controllers/state/private_file.h"
#include "tests/guest/temp_folder.h"

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

using namespace bottle;

namespace {

constexpr const char* kTable = "CREATE TABLE vms (\n                 name TEXT PRIMARY KEY NOT NULL,\n                 data BLOB NOT NULL\n             )";
constexpr std::chrono::milliseconds kPatience{200};

class Raw {
public:
    explicit Raw(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &database_) == SQLITE_OK); }
    ~Raw() { sqlite3_close(database_); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    void exec(const std::string& sql) {
        INFO(sql);
        CHECK(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    }

private:
    sqlite3* database_ = nullptr;
};

/// A database as smolvm makes it, with one row {"a":1} of machine m.
struct Place {
    TempFolder folder;
    std::string path = folder.file("db/smolvm.db");

    explicit Place(const std::vector<std::string>& more = {}) {
        make_private_folder(folder.file("db"));
        Raw raw(path);
        raw.exec("PRAGMA journal_mode=WAL");
        raw.exec(kTable);
        raw.exec("INSERT INTO vms VALUES ('m', CAST('{\"a\":1}' AS BLOB))");
        for (const auto& sql : more) raw.exec(sql);
        chmod(path.c_str(), 0600);
    }
    Observation<MachineRow> row() const { return read_machine_row(path, "m", kPatience).row; }
    std::string why() const {
        const auto seen = row();
        return seen.unknown() ? seen.why() : "";
    }
    std::string replace(const MachineRow& expected, const std::string& text) const { return replace_machine_row(path, "m", expected, text, kPatience); }
};

bool contains(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a row is read as it is, and other rows by name") {
    const Place place({"INSERT INTO vms VALUES ('user', CAST('{}' AS BLOB))"});
    const auto look = read_machine_row(place.path, "m", kPatience);
    REQUIRE(look.row.present());
    CHECK(look.row->data == "{\"a\":1}");
    CHECK(look.row->is_blob);
    CHECK(look.other_rows == std::vector<std::string>{"user"});
    CHECK(read_machine_row(place.path, "n", kPatience).row.absent());
}

TEST_CASE("absent and unknown are told apart") {
    const TempFolder folder;
    CHECK(read_machine_row(folder.file("nowhere/smolvm.db"), "m", kPatience).row.absent());

    SECTION("an empty file is what a crash leaves") {
        make_private_folder(folder.file("db"));
        std::ofstream(folder.file("db/smolvm.db")) << "";
        chmod(folder.file("db/smolvm.db").c_str(), 0600);
        CHECK(read_machine_row(folder.file("db/smolvm.db"), "m", kPatience).row.absent());
    }
    SECTION("no database at all") {
        make_private_folder(folder.file("db"));
        std::ofstream(folder.file("db/smolvm.db")) << std::string(4096, 'x');
        chmod(folder.file("db/smolvm.db").c_str(), 0600);
        CHECK(read_machine_row(folder.file("db/smolvm.db"), "m", kPatience).row.unknown());
    }
    SECTION("a folder") {
        make_private_folder(folder.file("db/smolvm.db"));
        CHECK(read_machine_row(folder.file("db/smolvm.db"), "m", kPatience).row.unknown());
    }
}

TEST_CASE("a database in which others could write is not believed") {
    const Place place;
    SECTION("the file") {
        chmod(place.path.c_str(), 0622);
        CHECK(contains(place.why(), "others can write"));
    }
    SECTION("its folder") {
        chmod(place.folder.file("db").c_str(), 0777);
        CHECK_FALSE(place.why().empty());
    }
    SECTION("another owner") {
        if (geteuid() != 0) return;
        REQUIRE(chown(place.path.c_str(), 65534, 65534) == 0);
        CHECK(contains(place.why(), "65534"));
    }
    SECTION("a second name") {
        std::filesystem::create_hard_link(place.path, place.folder.file("db/other"));
        CHECK(contains(place.why(), "second name"));
    }
    SECTION("a link") {
        std::filesystem::rename(place.path, place.folder.file("db/real"));
        std::filesystem::create_symlink(place.folder.file("db/real"), place.path);
        CHECK_FALSE(place.why().empty());
    }
}

TEST_CASE("a database that is made otherwise than smolvm's is not believed") {
    const std::pair<const char*, const char*> cases[] = {
        {"CREATE TRIGGER t AFTER UPDATE ON vms BEGIN UPDATE vms SET data = x'7b7d'; END", "trigger"},
        {"CREATE VIEW v AS SELECT * FROM vms", "view"},
        {"ALTER TABLE vms ADD COLUMN more TEXT", "table vms"},
        {"INSERT INTO vms VALUES ('M', x'7b7d')", "case or type"},
        {"INSERT INTO vms VALUES (CAST('m' AS BLOB), x'7b7d')", "case or type"},
        {"UPDATE vms SET data = 7", "of type"},
        {"UPDATE vms SET data = zeroblob(2000000)", "bytes"},
    };
    for (const auto& [sql, why] : cases) {
        INFO(sql);
        const Place place({sql});
        CHECK(contains(place.why(), why));
        CHECK_FALSE(place.replace({"{\"a\":1}", true}, "{}").empty());
    }
}

TEST_CASE("a row is replaced only if it is still what was seen") {
    const Place place;
    CHECK(place.replace({"{\"a\":1}", true}, "{\"a\":2}") == "");
    CHECK(place.row()->data == "{\"a\":2}");
    CHECK(contains(place.replace({"{\"a\":1}", true}, "{\"a\":3}"), "changed meanwhile"));
    CHECK(place.row()->data == "{\"a\":2}");
    // The same bytes as TEXT are another row.
    CHECK(contains(place.replace({"{\"a\":2}", false}, "{\"a\":3}"), "changed meanwhile"));
    CHECK(contains(replace_machine_row(place.path, "n", {"{}", true}, "{\"a\":3}", kPatience), "changed meanwhile"));
}

TEST_CASE("a TEXT row is seen as one, and written as a BLOB") {
    const Place place({"UPDATE vms SET data = '{\"a\":1}'"});
    REQUIRE(place.row().present());
    CHECK_FALSE(place.row()->is_blob);
    CHECK(place.replace(*place.row(), "{\"a\":1}") == "");
    CHECK(place.row()->is_blob);
}

TEST_CASE("a locked database is unknown to a writer, and readable meanwhile") {
    const Place place;
    Raw other(place.path);
    other.exec("BEGIN IMMEDIATE");
    CHECK(place.row().present());
    CHECK(contains(place.replace({"{\"a\":1}", true}, "{\"a\":2}"), "locked"));
    other.exec("ROLLBACK");
    CHECK(place.replace({"{\"a\":1}", true}, "{\"a\":2}") == "");

    other.exec("PRAGMA journal_mode=DELETE");
    other.exec("BEGIN EXCLUSIVE");
    CHECK(contains(place.why(), "locked"));
    other.exec("ROLLBACK");
}

TEST_CASE("of two writers who saw the same row, one wins and the other is told") {
    for (int round = 0; round < 20; ++round) {
        const Place place;
        const MachineRow seen{"{\"a\":1}", true};
        std::string answers[2];
        std::thread one([&] { answers[0] = replace_machine_row(place.path, "m", seen, "{\"by\":1}", std::chrono::seconds(5)); });
        std::thread two([&] { answers[1] = replace_machine_row(place.path, "m", seen, "{\"by\":2}", std::chrono::seconds(5)); });
        one.join();
        two.join();
        const auto now = place.row()->data;
        const bool first = now == "{\"by\":1}";
        CHECK((first || now == "{\"by\":2}"));
        CHECK(answers[first ? 0 : 1] == "");
        CHECK_FALSE(answers[first ? 1 : 0].empty());
    }
}

TEST_CASE("looking, and writing what is already so, changes no byte") {
    const Place place;
    const auto bytes = [&] {
        std::ifstream file(place.path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const auto before = bytes();
    for (int i = 0; i < 3; ++i) CHECK(place.row().present());
    CHECK(place.replace({"{\"a\":1}", true}, "{\"a\":1}") == "");
    CHECK(bytes() == before);
}
