#include "controllers/machine/machine_db.h"

#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

namespace bottle {
namespace {

/// As 1.4.0 to 1.32.2 make it, but for space.
constexpr std::string_view kTable = "CREATE TABLE vms ( name TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL )";

/// A row of ours has about one KiB.
constexpr int kMaxRowBytes = 1 << 20;

struct FileCheck {
    std::optional<std::string> problem;
    bool absent = false;
    dev_t device = 0;
    ino_t inode = 0;
};

/// By path alone: opening the file, and closing it again, would drop SQLite's own locks in this process.
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
    if (check.problem) return check;
    try {
        check_private_folder(std::filesystem::path(path).parent_path());
    } catch (const Error& error) {
        check.problem = error.what();
    }
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

struct Schema {
    bool empty = true;
    std::string problem;  ///< why it is none that we know
};

/// Empty is what a crash of smolvm leaves between making the file and its tables: it makes them at its next call.
Schema read_schema(SQLite::Database& database) {
    Schema schema;
    SQLite::Statement query(database, "SELECT type, name, sql FROM sqlite_schema");
    bool table = false;
    while (query.executeStep()) {
        schema.empty = false;
        const auto type = query.getColumn(0).getString();
        const auto name = query.getColumn(1).getString();
        if (type == "trigger" || type == "view") {
            schema.problem = fmt::format("it has a {} ({}), which could rewrite a row", type, printable(name));
            return schema;
        }
        if (name == "vms") table = type == "table" && squeezed(query.getColumn(2).getString()) == kTable;
    }
    if (!table && !schema.empty) schema.problem = "its table vms is not the one that smolvm 1.32.2 makes";
    return schema;
}

std::string in_words(const SQLite::Exception& error) {
    constexpr int kBusy = 5;
    return error.getErrorCode() == kBusy ? "it is locked by another process" : printable(error.what());
}

SQLite::Database open_database(const std::string& path, int flags, std::chrono::milliseconds patience) {
    SQLite::Database database(path, flags, static_cast<int>(patience.count()));
    database.exec("PRAGMA trusted_schema = OFF");
    return database;
}

bool same_but_for_case(const std::string& one, const std::string& other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

Observation<MachineRow> read_row(SQLite::Database& database, const std::string& machine) {
    SQLite::Statement query(database, "SELECT typeof(data), CAST(data AS BLOB) FROM vms WHERE name = ? AND typeof(name) = 'text'");
    query.bind(1, machine);
    if (!query.executeStep()) return Absent{};
    const auto type = query.getColumn(0).getString();
    const auto bytes = query.getColumn(1).getBytes();
    if (type != "blob" && type != "text") return Unknown{fmt::format("the machine's row is of type {}, which no smolvm writes", type)};
    if (bytes > kMaxRowBytes) return Unknown{fmt::format("the machine's row has {} bytes, more than {}", bytes, kMaxRowBytes)};
    return MachineRow{query.getColumn(1).getString(), type == "blob"};
}

DatabaseLook read_rows(SQLite::Database& database, const std::string& machine) {
    // One transaction: all of it is of one moment.
    SQLite::Transaction moment(database);
    DatabaseLook look;
    look.row = read_row(database, machine);
    SQLite::Statement query(database, "SELECT name, typeof(name) FROM vms ORDER BY name");
    while (query.executeStep()) {
        const auto name = query.getColumn(0).getString();
        if (name == machine && query.getColumn(1).getString() == "text") continue;
        // A name in another case, or as a BLOB, is another row to SQLite and the same to people, and to some of smolvm's questions.
        if (same_but_for_case(name, machine)) look.row = Unknown{fmt::format("a second row has the name {}, but for case or type", printable(name))};
        look.other_rows.push_back(name);
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
        const auto schema = read_schema(database);
        if (!schema.problem.empty()) return unknown(fmt::format("{}: {}", path, schema.problem));
        auto look = schema.empty ? DatabaseLook{Absent{}, {}} : read_rows(database, machine);
        const auto after = check_file(path);
        if (after.device != check.device || after.inode != check.inode) return unknown(path + ": it was replaced while it was read");
        return look;
    } catch (const SQLite::Exception& error) {
        return unknown(fmt::format("{}: {}", path, in_words(error)));
    }
}

namespace {

/// Compare and swap in one transaction. Empty if it was committed.
std::string swap_row(SQLite::Database& database, const std::string& machine, const MachineRow& expected, const std::string& replacement) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    const auto schema = read_schema(database);
    if (schema.empty || !schema.problem.empty()) return schema.empty ? "it has no tables" : schema.problem;
    // A bound text never equals a BLOB: the comparison is made in the type that the row has.
    SQLite::Statement update(database, expected.is_blob ? "UPDATE vms SET data = ? WHERE name = ? AND typeof(data) = 'blob' AND data = ?"
                                                        : "UPDATE vms SET data = ? WHERE name = ? AND typeof(data) = 'text' AND CAST(data AS BLOB) = ?");
    update.bind(1, replacement.data(), static_cast<int>(replacement.size()));
    update.bind(2, machine);
    update.bind(3, expected.data.data(), static_cast<int>(expected.data.size()));
    if (update.exec() != 1) return "the row changed meanwhile: somebody else wrote it";
    transaction.commit();
    return {};
}

}  // namespace

std::string replace_machine_row(const std::string& path, const std::string& machine, const MachineRow& expected, const std::string& replacement,
                                std::chrono::milliseconds patience) {
    const auto check = check_file(path);
    if (check.absent) return path + " is not there";
    if (check.problem) return fmt::format("{}: {}", path, *check.problem);
    if (!expected.is_blob || expected.data != replacement) {
        try {
            auto database = open_database(path, SQLite::OPEN_READWRITE, patience);
            if (const auto problem = swap_row(database, machine, expected, replacement); !problem.empty()) return fmt::format("{}: {}", path, problem);
        } catch (const SQLite::Exception& error) {
            return fmt::format("{}: {}", path, in_words(error));
        }
    }
    const auto after = check_file(path);
    if (after.device != check.device || after.inode != check.inode) return path + " was replaced while it was written";
    const auto again = read_machine_row(path, machine, patience);
    if (!again.row.present()) return again.row.unknown() ? again.row.why() : "the row is gone after it was written";
    if (again.row->data != replacement || !again.row->is_blob) return "the row does not hold what was written: it did not take";
    return {};
}

}  // namespace bottle
