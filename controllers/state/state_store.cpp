#include "controllers/state/state_store.h"

#include "controllers/state/history_records.h"
#include "controllers/state/private_file.h"
#include "controllers/state/record_json.h"
#include "controllers/state/sql.h"
#include "manifests/error.h"
#include "reconciler/address.h"
#include "reconciler/alias.h"

#include "schema_sql.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>

namespace bottle {
namespace {

using sql::prepared;
using sql::run;
using sql::text_or_empty;

constexpr int kVersion = 2;

std::string in_words(const SQLite::Exception& error, std::chrono::milliseconds patience) {
    // sqlite3.h: SQLITE_BUSY, SQLITE_CONSTRAINT_UNIQUE, SQLITE_NOTADB
    constexpr int kBusy = 5;
    constexpr int kConstraintUnique = 2067;
    constexpr int kNotADatabase = 26;
    if (error.getErrorCode() == kBusy) return fmt::format("another process has locked it for longer than {} s", std::chrono::duration<double>(patience).count());
    if (error.getErrorCode() == kNotADatabase) return "it is no database";
    if (error.getExtendedErrorCode() == kConstraintUnique) return fmt::format("another bottle holds that already ({})", error.what());
    return error.what();
}

std::optional<std::string> record(SQLite::Database& database, const std::string& bottle, const std::string& kind) {
    auto query = prepared(database, "SELECT document FROM records WHERE bottle = ? AND kind = ?", bottle, kind);
    if (!query.executeStep()) return std::nullopt;
    return query.getColumn(0).getString();
}

void save_record(SQLite::Database& database, const std::string& bottle, const std::string& kind, const std::string& document) {
    run(database, "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (bottle, kind) DO UPDATE SET document = excluded.document", bottle, kind, document);
}

/// What is not an allocation must not look like one: a subnet that is read as nothing would count as free.
Allocation checked(const std::string& bottle, Allocation allocation) {
    const bool subnets = parse_subnet(allocation.internal_subnet) && (allocation.external_subnet.empty() || parse_subnet(allocation.external_subnet));
    // Only root can give a VMM a uid of its own, and only root's must never be without.
    const bool uid = geteuid() == 0 ? allocation.vmm_uid > 0 : allocation.vmm_uid == 0;
    const bool alias = allocation.alias.empty() || is_alias(allocation.alias);
    if (!subnets || !uid || !alias) throw Error(Exit::Failed, fmt::format("the allocation of {} makes no sense", printable(bottle)));
    return allocation;
}

/// A record of its own, so that a table of before there were any is read, too.
constexpr const char* kAlias = "alias";

std::map<std::string, Allocation> read_allocations(SQLite::Database& database) {
    std::map<std::string, Allocation> all;
    SQLite::Statement query(database, "SELECT bottle, internal_subnet, external_subnet, vmm_uid FROM allocations");
    while (query.executeStep()) {
        const auto bottle = query.getColumn(0).getString();
        Allocation allocation{query.getColumn(1).getString(), text_or_empty(query.getColumn(2)), query.getColumn(3).getInt64()};
        allocation.alias = record(database, bottle, kAlias).value_or("");
        all[bottle] = checked(bottle, std::move(allocation));
    }
    return all;
}

struct AppliedRow {
    std::string manifest;
    std::string desired_digest;
    std::int64_t generation = 0;

    bool same_as(const AppliedRow& other) const { return generation > 0 && manifest == other.manifest && desired_digest == other.desired_digest; }
};

/// Generation 0: never applied.
AppliedRow applied_row(SQLite::Database& database, const std::string& bottle) {
    auto query = prepared(database, "SELECT manifest, desired_digest, generation FROM applied WHERE bottle = ?", bottle);
    if (!query.executeStep()) return {};
    return {query.getColumn(0).getString(), query.getColumn(1).getString(), query.getColumn(2).getInt64()};
}

std::map<std::string, std::string> texts_by_type(SQLite::Database& database, const char* sql, const std::string& bottle) {
    std::map<std::string, std::string> all;
    auto query = prepared(database, sql, bottle);
    while (query.executeStep()) all[query.getColumn(0).getString()] = query.getColumn(1).getString();
    return all;
}

void require_version(SQLite::Database& database, const std::string& path) {
    const int version = database.execAndGet("PRAGMA user_version").getInt();
    if (version > kVersion) {
        throw Error(Exit::Failed, fmt::format("{} was written by a newer bottle (format {}, this one knows {})", path, version, kVersion), "use that version");
    }
}

}  // namespace

struct StateStore::Connection {
    SQLite::Database database;
    bool writes;

    /// A reader opens for writing too: after a crash in the middle of a commit it has to roll that back, else nobody could read any more.
    /// It writes nothing else (query_only), and makes no file.
    Connection(const std::string& path, bool for_writing, std::chrono::milliseconds patience)
        : database(path, SQLite::OPEN_READWRITE | (for_writing ? SQLite::OPEN_CREATE : 0), static_cast<int>(patience.count())), writes(for_writing) {
        database.exec(for_writing ? "PRAGMA trusted_schema = OFF" : "PRAGMA trusted_schema = OFF; PRAGMA query_only = ON");
        require_version(database, path);
        if (!for_writing) return;
        // EXTRA: the folder is synced too when the journal goes, so that what was committed stays committed.
        database.exec("PRAGMA synchronous = EXTRA");
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        // A new one goes the same way as one of an older bottle.
        if (database.execAndGet("PRAGMA user_version").getInt() == 0) database.exec(kSchemaSql);
        if (database.execAndGet("PRAGMA user_version").getInt() == 1) database.exec(kSchema2Sql);
        transaction.commit();
    }
};

StateStore::StateStore(std::string path, std::chrono::milliseconds patience) : path_(std::move(path)), patience_(patience) {}
StateStore::~StateStore() = default;

/// False when it is not there. By path only: opening the file beside SQLite, and closing it, would drop SQLite's locks in this process.
bool StateStore::check_file() const {
    struct stat info {};
    if (lstat(path_.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        throw Error(Exit::Failed, fmt::format("cannot look at {}: {}", path_, std::strerror(errno)));
    }
    if (!S_ISREG(info.st_mode)) throw Error(Exit::Failed, path_ + " is no regular file");
    if (info.st_uid != geteuid()) throw Error(Exit::Failed, fmt::format("{} belongs to uid {}, not to us", path_, info.st_uid));
    if ((info.st_mode & 022) != 0) throw Error(Exit::Failed, path_ + " can be written by others: what it says cannot be trusted");
    // SQLite takes a file of one byte for an empty database (a workaround in its unix layer); ours is empty only when nothing was ever written.
    if (info.st_size == 1) throw Error(Exit::Failed, path_ + " is no database");
    return true;
}

/// Nothing read, and nothing made, while there is no database. One transaction: all that `work` reads is of the same moment.
template <class Work>
auto StateStore::reading(Work work) {
    const std::lock_guard lock(mutex_);
    using Result = decltype(work(std::declval<SQLite::Database&>()));
    try {
        if (!connection_) {
            if (!check_private_folder(std::filesystem::path(path_).parent_path()) || !check_file()) return Result{};
            auto opened = std::make_unique<Connection>(path_, false, patience_);
            // Made by a process that died before its first commit: as good as absent.
            if (opened->database.execAndGet("PRAGMA user_version").getInt() == 0) return Result{};
            connection_ = std::move(opened);
        }
        SQLite::Transaction transaction(connection_->database);
        return work(connection_->database);
    } catch (const SQLite::Exception& error) {
        throw Error(Exit::Failed, fmt::format("{} cannot be read: {}", path_, in_words(error, patience_)));
    } catch (Error& error) {
        throw error.add_trace("while reading " + path_);
    }
}

template <class Work>
auto StateStore::writing(Work work) {
    const std::lock_guard lock(mutex_);
    try {
        if (!connection_ || !connection_->writes) {
            make_private_folder(std::filesystem::path(path_).parent_path());
            check_file();
            connection_.reset();
            connection_ = std::make_unique<Connection>(path_, true, patience_);
        }
        SQLite::Transaction transaction(connection_->database, SQLite::TransactionBehavior::IMMEDIATE);
        auto result = work(connection_->database);
        transaction.commit();
        return result;
    } catch (const SQLite::Exception& error) {
        throw Error(Exit::Failed, fmt::format("{} cannot be written: {}", path_, in_words(error, patience_)));
    }
}

StoredState StateStore::read(const std::string& bottle) {
    return reading([&](SQLite::Database& database) {
        StoredState state;
        state.other_allocations = read_allocations(database);
        const auto own = state.other_allocations.find(bottle);
        if (own != state.other_allocations.end()) {
            state.allocation = own->second;
            state.other_allocations.erase(own);
        }
        if (const auto start = record(database, bottle, "start")) state.start = start_from_record(*start);
        if (const auto proof = record(database, bottle, "proof")) state.proof = proof_from_record(*proof);
        state.provisioned = record(database, bottle, "provisioned");
        if (const auto copied = record(database, bottle, "copied")) state.copied = copied_from_record(*copied);
        state.socket = record(database, bottle, "socket");
        if (const auto grants = record(database, bottle, "grants")) state.grants = grants_from_record(*grants);
        if (const auto unproved = record(database, bottle, "unproved")) state.unproved = unproved_from_record(*unproved);
        return state;
    });
}

std::map<std::string, Allocation> StateStore::allocations() {
    return reading([](SQLite::Database& database) { return read_allocations(database); });
}

std::vector<std::string> StateStore::bottles() {
    return reading([](SQLite::Database& database) {
        std::vector<std::string> names;
        SQLite::Statement query(database, "SELECT bottle FROM applied UNION SELECT bottle FROM allocations ORDER BY 1");
        while (query.executeStep()) names.push_back(query.getColumn(0).getString());
        return names;
    });
}

void StateStore::reserve(const std::string& bottle, const Allocation& allocation) {
    writing([&](SQLite::Database& database) {
        checked(bottle, allocation);
        run(database,
            "INSERT INTO allocations VALUES (?, ?, nullif(?, ''), nullif(?, 0)) ON CONFLICT (bottle) DO UPDATE SET internal_subnet = excluded.internal_subnet, "
            "external_subnet = excluded.external_subnet, vmm_uid = excluded.vmm_uid",
            bottle, allocation.internal_subnet, allocation.external_subnet, allocation.vmm_uid);
        if (!allocation.alias.empty()) save_record(database, bottle, kAlias, allocation.alias);
        else run(database, "DELETE FROM records WHERE bottle = ? AND kind = ?", bottle, kAlias);
        return true;
    });
}

void StateStore::forget(const std::string& bottle) {
    writing([&](SQLite::Database& database) {
        for (const auto* sql : {"DELETE FROM allocations WHERE bottle = ?", "DELETE FROM records WHERE bottle = ?", "DELETE FROM applied WHERE bottle = ?",
                                "DELETE FROM conditions WHERE bottle = ?", "DELETE FROM revisions WHERE bottle = ?"}) {
            run(database, sql, bottle);
        }
        return true;
    });
}

std::int64_t StateStore::journal_begin(const std::string& bottle, const std::string& step, const std::string& cause) {
    return writing([&](SQLite::Database& database) {
        run(database, "INSERT INTO journal (bottle, begun, step, cause) VALUES (?, ?, ?, ?)", bottle, timestamp(), step, cause);
        const auto entry = static_cast<std::int64_t>(database.getLastInsertRowid());
        prune_journal(database, bottle);
        return entry;
    });
}

void StateStore::journal_end(std::int64_t entry, const std::string& result) {
    writing([&](SQLite::Database& database) {
        run(database, "UPDATE journal SET ended = ?, result = ? WHERE entry = ?", timestamp(), result, entry);
        return true;
    });
}

void StateStore::save_start(const std::string& bottle, const StartRecord& start) {
    writing([&](SQLite::Database& database) {
        save_record(database, bottle, "start", to_record(start));
        return true;
    });
}

void StateStore::save_proof(const std::string& bottle, const GuestProof& proof) {
    writing([&](SQLite::Database& database) {
        save_record(database, bottle, "proof", to_record(proof));
        return true;
    });
}

void StateStore::save_unproved(const std::string& bottle, std::optional<Unproved> unproved) {
    writing([&](SQLite::Database& database) {
        if (unproved) save_record(database, bottle, "unproved", to_record(*unproved));
        else run(database, "DELETE FROM records WHERE bottle = ? AND kind = 'unproved'", bottle);
        return true;
    });
}

void StateStore::save_provisioned(const std::string& bottle, const std::string& vmm, const std::map<std::string, std::string>& copied) {
    writing([&](SQLite::Database& database) {
        save_record(database, bottle, "provisioned", vmm);
        if (copied.empty()) run(database, "DELETE FROM records WHERE bottle = ? AND kind = 'copied'", bottle);
        else save_record(database, bottle, "copied", to_record(copied));
        return true;
    });
}

void StateStore::save_socket(const std::string& bottle, const std::string& identity) {
    writing([&](SQLite::Database& database) {
        save_record(database, bottle, "socket", identity);
        return true;
    });
}

void StateStore::save_grants(const std::string& bottle, const std::vector<SecretGrant>& grants) {
    writing([&](SQLite::Database& database) {
        save_record(database, bottle, "grants", to_record(grants));
        return true;
    });
}

std::optional<StateStore::AppliedRecord> StateStore::applied(const std::string& bottle) {
    return reading([&](SQLite::Database& database) {
        auto row = applied_row(database, bottle);
        return row.generation > 0 ? std::optional<AppliedRecord>({std::move(row.manifest), row.generation}) : std::nullopt;
    });
}

std::int64_t StateStore::save_applied(const std::string& bottle, const std::string& manifest, const std::string& desired_digest) {
    const AppliedRow wanted{manifest, desired_digest, 0};
    const auto before = reading([&](SQLite::Database& database) { return applied_row(database, bottle); });
    if (before.same_as(wanted)) return before.generation;
    return writing([&](SQLite::Database& database) {
        // Read again under the lock: another command may have been faster.
        const auto now = applied_row(database, bottle);
        const auto generation = now.desired_digest == desired_digest ? now.generation : now.generation + 1;
        run(database,
            "INSERT INTO applied VALUES (?, ?, ?, ?) ON CONFLICT (bottle) DO UPDATE SET manifest = excluded.manifest, "
            "desired_digest = excluded.desired_digest, generation = excluded.generation",
            bottle, manifest, desired_digest, generation);
        if (now.manifest != manifest || now.generation != generation) record_revision(database, bottle, generation, manifest);
        return generation;
    });
}

void StateStore::save_conditions(const std::string& bottle, const std::vector<Condition>& conditions) {
    const auto changed = [&](SQLite::Database& database) {
        auto stored = texts_by_type(database, "SELECT type, status FROM conditions WHERE bottle = ?", bottle);
        std::vector<Condition> different;
        std::copy_if(conditions.begin(), conditions.end(), std::back_inserter(different),
                     [&](const Condition& condition) { return !stored.count(condition.type) || stored[condition.type] != condition.status; });
        return different;
    };
    // A database that is not there yet knows none of them.
    const bool known = reading([&](SQLite::Database& database) { return changed(database).empty(); });
    if (known || conditions.empty()) return;
    writing([&](SQLite::Database& database) {
        for (const auto& condition : changed(database)) {
            run(database, "INSERT INTO conditions VALUES (?, ?, ?, ?) ON CONFLICT (bottle, type) DO UPDATE SET status = excluded.status, since = excluded.since",
                bottle, condition.type, condition.status, timestamp());
            record_transition(database, bottle, condition);
        }
        return true;
    });
}

std::map<std::string, std::string> StateStore::transition_times(const std::string& bottle) {
    return reading([&](SQLite::Database& database) { return texts_by_type(database, "SELECT type, since FROM conditions WHERE bottle = ?", bottle); });
}

std::optional<std::string> StateStore::created(const std::string& bottle) {
    return reading([&](SQLite::Database& database) { return record(database, bottle, "created"); });
}

Records StateStore::history(const std::string& bottle) {
    return reading([&](SQLite::Database& database) { return read_history(database, bottle); });
}

}  // namespace bottle
