#include "controllers/machine/machine_db.h"

#include "manifests/error.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace bottle {
namespace {

/// As 1.4.0 to 1.32.2 make it, but for space.
constexpr std::string_view kTable = "CREATE TABLE vms ( name TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL )";

struct FileCheck {
    std::optional<std::string> problem;
    bool absent = false;
    dev_t device = 0;
    ino_t inode = 0;
};

FileCheck check_file(const std::string& path) {
    FileCheck check;
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) {
        check.absent = errno == ENOENT || errno == ENOTDIR;
        if (!check.absent) check.problem = std::strerror(errno);
        return check;
    }
    check.device = info.st_dev;
    check.inode = info.st_ino;
    if (!S_ISREG(info.st_mode)) check.problem = "it is no regular file";
    else if (info.st_uid != geteuid()) check.problem = fmt::format("it belongs to uid {}, not to us", info.st_uid);
    else if ((info.st_mode & 022) != 0) check.problem = "others can write in it";
    else if (info.st_nlink != 1) check.problem = "it has a second name";
    return check;
}

std::string squeezed(const std::string& sql) {
    std::string text;
    for (const char c : sql) {
        const char plain = c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
        if (plain != ' ' || (!text.empty() && text.back() != ' ')) text += plain;
    }
    return text;
}

/// Why the schema is none that we know; empty if it is.
std::string schema_problem(SQLite::Database& database) {
    SQLite::Statement query(database, "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view') OR name = 'vms'");
    bool table = false;
    while (query.executeStep()) {
        const auto type = query.getColumn(0).getString();
        if (type == "trigger" || type == "view") return fmt::format("it has a {} ({}), which could rewrite a row", type, printable(query.getColumn(1).getString()));
        table = squeezed(query.getColumn(2).getString()) == kTable;
    }
    return table ? "" : "its table vms is not the one that smolvm 1.32.2 makes";
}

std::string in_words(const SQLite::Exception& error) {
    constexpr int kBusy = 5;
    return error.getErrorCode() == kBusy ? "it is locked by another process" : error.what();
}

SQLite::Database open_database(const std::string& path, int flags, std::chrono::milliseconds patience) {
    SQLite::Database database(path, flags, static_cast<int>(patience.count()));
    database.exec("PRAGMA trusted_schema = OFF");
    return database;
}

MachineRow read_value(const SQLite::Column& data) {
    return {data.getString(), data.isBlob()};
}

DatabaseLook read_rows(SQLite::Database& database, const std::string& machine) {
    DatabaseLook look;
    look.row = Absent{};
    // Every row: names that only look alike (another case, a BLOB) are none of ours, and are seen.
    SQLite::Statement query(database, "SELECT name, data, typeof(name) FROM vms ORDER BY name");
    while (query.executeStep()) {
        const auto name = query.getColumn(0).getString();
        if (name == machine && query.getColumn(2).getString() == "text") look.row = read_value(query.getColumn(1));
        else look.other_rows.push_back(name);
    }
    return look;
}

DatabaseLook unknown(std::string why) {
    return {Unknown{std::move(why)}, {}};
}

}  // namespace

DatabaseLook read_machine_row(const std::string& path, const std::string& machine, std::chrono::milliseconds patience) {
    const auto check = check_file(path);
    if (check.absent) return {Absent{}, {}};
    if (check.problem) return unknown(fmt::format("{}: {}", path, *check.problem));
    try {
        auto database = open_database(path, SQLite::OPEN_READONLY, patience);
        if (const auto problem = schema_problem(database); !problem.empty()) return unknown(fmt::format("{}: {}", path, problem));
        auto look = read_rows(database, machine);
        const auto after = check_file(path);
        if (after.device != check.device || after.inode != check.inode) return unknown(path + ": it was replaced while it was read");
        return look;
    } catch (const SQLite::Exception& error) {
        return unknown(fmt::format("{}: {}", path, in_words(error)));
    }
}

std::string replace_machine_row(const std::string& path, const std::string& machine, const MachineRow& expected, const std::string& replacement,
                                std::chrono::milliseconds patience) {
    const auto check = check_file(path);
    if (check.absent) return path + " is not there";
    if (check.problem) return fmt::format("{}: {}", path, *check.problem);
    try {
        auto database = open_database(path, SQLite::OPEN_READWRITE, patience);
        if (const auto problem = schema_problem(database); !problem.empty()) return fmt::format("{}: {}", path, problem);
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        // A bound text never equals a BLOB: the comparison is made in the type that the row has.
        SQLite::Statement update(database, expected.is_blob ? "UPDATE vms SET data = ? WHERE name = ? AND typeof(data) = 'blob' AND data = ?"
                                                            : "UPDATE vms SET data = ? WHERE name = ? AND typeof(data) = 'text' AND CAST(data AS BLOB) = ?");
        update.bind(1, replacement.data(), static_cast<int>(replacement.size()));
        update.bind(2, machine);
        update.bind(3, expected.data.data(), static_cast<int>(expected.data.size()));
        if (update.exec() != 1) return "the row changed meanwhile: somebody else wrote it";
        transaction.commit();
    } catch (const SQLite::Exception& error) {
        return fmt::format("{}: {}", path, in_words(error));
    }
    const auto after = check_file(path);
    if (after.device != check.device || after.inode != check.inode) return path + " was replaced while it was written";
    const auto again = read_machine_row(path, machine, patience);
    if (!again.row.present()) return again.row.unknown() ? again.row.why() : "the row is gone after it was written";
    if (again.row->data != replacement || !again.row->is_blob) return "the row does not hold what was written: it did not take";
    return {};
}

}  // namespace bottle
