#include "controllers/state/history_records.h"

#include "controllers/state/sql.h"
#include "controllers/state/timestamp.h"

#include <fmt/format.h>

namespace bottle {
namespace {

using sql::prepared;
using sql::run;
using sql::text_or_empty;

constexpr std::int64_t kJournal = 1000;
constexpr std::int64_t kTransitions = 500;
constexpr std::int64_t kRevisions = 50;
constexpr std::int64_t kBottles = 20;
constexpr std::size_t kMessage = 1000;

/// `entry` only rises (AUTOINCREMENT), so that no more than the difference of two of them can lie between.
void prune(SQLite::Database& database, const char* table, const std::string& bottle, std::int64_t most) {
    const auto own = fmt::format("DELETE FROM {0} WHERE bottle = ?1 AND entry <= (SELECT entry FROM {0} WHERE bottle = ?1 ORDER BY entry DESC LIMIT 1 OFFSET ?2)", table);
    run(database, own.c_str(), bottle, most);
    const auto all = fmt::format("DELETE FROM {0} WHERE entry <= (SELECT max(entry) FROM {0}) - ?1", table);
    run(database, all.c_str(), most * kBottles);
}

/// Each row that is asked for, as what `make` makes of it.
template <class Row, class Make>
std::vector<Row> rows(SQLite::Database& database, const char* text, const std::string& bottle, Make make) {
    std::vector<Row> all;
    auto query = prepared(database, text, bottle);
    while (query.executeStep()) all.push_back(make(query));
    return all;
}

}  // namespace

void prune_journal(SQLite::Database& database, const std::string& bottle) {
    prune(database, "journal", bottle, kJournal);
}

void record_transition(SQLite::Database& database, const std::string& bottle, const Condition& condition) {
    run(database, "INSERT INTO transitions (bottle, time, type, status, reason, message) VALUES (?, ?, ?, ?, ?, ?)", bottle, timestamp(), condition.type, condition.status,
        condition.reason, condition.message.substr(0, kMessage));
    prune(database, "transitions", bottle, kTransitions);
}

void record_revision(SQLite::Database& database, const std::string& bottle, std::int64_t generation, const std::string& manifest) {
    run(database, "INSERT OR IGNORE INTO records VALUES (?, 'created', ?)", bottle, timestamp());
    run(database, "INSERT INTO revisions (bottle, time, generation, manifest) VALUES (?, ?, ?, ?)", bottle, timestamp(), generation, manifest);
    prune(database, "revisions", bottle, kRevisions);
}

Records read_history(SQLite::Database& database, const std::string& bottle) {
    Records records;
    records.journal = rows<JournalEntry>(
        database, "SELECT entry, bottle, begun, step, cause, ended, result FROM journal WHERE ?1 IN ('', bottle) ORDER BY entry", bottle, [](SQLite::Statement& row) {
            return JournalEntry{row.getColumn(0).getInt64(),  row.getColumn(1).getString(),    row.getColumn(2).getString(),   row.getColumn(3).getString(),
                                row.getColumn(4).getString(), text_or_empty(row.getColumn(5)), text_or_empty(row.getColumn(6))};
        });
    if (database.execAndGet("PRAGMA user_version").getInt() < 2) return records;
    records.transitions = rows<Transition>(
        database, "SELECT entry, bottle, time, type, status, reason, message FROM transitions WHERE ?1 IN ('', bottle) ORDER BY entry", bottle, [](SQLite::Statement& row) {
            return Transition{row.getColumn(0).getInt64(),  row.getColumn(1).getString(), row.getColumn(2).getString(), row.getColumn(3).getString(),
                              row.getColumn(4).getString(), row.getColumn(5).getString(), row.getColumn(6).getString()};
        });
    records.revisions = rows<Revision>(
        database, "SELECT entry, bottle, time, generation, manifest FROM revisions WHERE ?1 IN ('', bottle) ORDER BY entry", bottle, [](SQLite::Statement& row) {
            return Revision{row.getColumn(0).getInt64(), row.getColumn(1).getString(), row.getColumn(2).getString(), row.getColumn(3).getInt64(), row.getColumn(4).getString()};
        });
    return records;
}

}  // namespace bottle
