#include "records.h"

#include <sqlite3.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>

namespace stand_in {

using nlohmann::ordered_json;

namespace {

// With the spaces that 1.32.2 writes.
constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS vms (\n                 name TEXT PRIMARY KEY NOT NULL,\n                 data BLOB NOT NULL\n             );"
    "CREATE TABLE IF NOT EXISTS config (\n                 key TEXT PRIMARY KEY NOT NULL,\n                 value TEXT NOT NULL\n             );";

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value != '/') throw Failure{"CONFIG_ERROR", std::string(name) + " is not set to an absolute path"};
    return value;
}

void run(sqlite3* database, const char* sql, const std::vector<std::string>& blobs) {
    sqlite3_stmt* statement = nullptr;
    int result = sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
    // The first is the name.
    for (std::size_t i = 0; result == SQLITE_OK && i < blobs.size(); ++i) {
        const auto& text = blobs[i];
        const int place = static_cast<int>(i + 1);
        result = i == 0 ? sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT)
                        : sqlite3_bind_blob(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
    if (result == SQLITE_OK) result = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (result != SQLITE_DONE) throw Failure{"STORAGE_ERROR", std::string("database operation failed: ") + sqlite3_errmsg(database)};
}

}  // namespace

Places places() {
    const auto cache = variable("XDG_CACHE_HOME");
    return {variable("HOME"), variable("XDG_DATA_HOME") + "/smolvm/server/smolvm.db", cache + "/smolvm/vms", cache + "/smolvm/uids"};
}

Records::Records() {
    const auto path = places().database;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    constexpr int kBusy = 15'000;
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) throw Failure{"STORAGE_ERROR", "database not available: open database"};
    sqlite3_busy_timeout(database_, kBusy);
    sqlite3_exec(database_, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (sqlite3_exec(database_, kSchema, nullptr, nullptr, nullptr) != SQLITE_OK) throw Failure{"STORAGE_ERROR", std::string("database not available: ") + sqlite3_errmsg(database_)};
    sqlite3_stmt* rows = nullptr;
    sqlite3_prepare_v2(database_, "SELECT name, data FROM vms", -1, &rows, nullptr);
    bool readable = true;
    while (sqlite3_step(rows) == SQLITE_ROW) {
        const std::string name = reinterpret_cast<const char*>(sqlite3_column_text(rows, 0));
        const bool blob = sqlite3_column_type(rows, 1) == SQLITE_BLOB;
        const std::string data(static_cast<const char*>(sqlite3_column_blob(rows, 1)), static_cast<std::size_t>(sqlite3_column_bytes(rows, 1)));
        auto record = ordered_json::parse(data, nullptr, false);
        readable = readable && blob && record.is_object();
        all_[name] = std::move(record);
    }
    sqlite3_finalize(rows);
    if (!readable) throw Failure{"STORAGE_ERROR", "database operation failed: list vms: a row cannot be read"};
}

Records::~Records() {
    sqlite3_close(database_);
}

std::optional<ordered_json> Records::find(const std::string& machine) const {
    const auto found = all_.find(machine);
    if (found == all_.end()) return std::nullopt;
    return found->second;
}

void Records::insert(const ordered_json& record) {
    run(database_, "INSERT INTO vms (name, data) VALUES (?, ?)", {record.at("name").get<std::string>(), record.dump()});
}

void Records::update(const ordered_json& record) {
    run(database_, "UPDATE vms SET data = ?2 WHERE name = ?1", {record.at("name").get<std::string>(), record.dump()});
}

void Records::remove(const std::string& machine) {
    run(database_, "DELETE FROM vms WHERE name = ?", {machine});
}

ordered_json new_record(const std::string& machine, const std::map<std::string, std::string>& options, const ordered_json& labels,
                        const std::vector<std::string>& command) {
    const auto number = [&](const char* option, int otherwise) { return options.count(option) > 0 ? std::stoi(options.at(option)) : otherwise; };
    const auto list = ordered_json::array();
    auto sockets = list;
    if (const auto mounted = options.find("--mount-socket"); mounted != options.end()) {
        const auto colon = mounted->second.find(':');
        sockets.push_back({{"direction", "mount"}, {"guest_path", mounted->second.substr(colon + 1)}, {"host_path", mounted->second.substr(0, colon)}});
    }
    ordered_json record = {{"name", machine}, {"created_at", std::time(nullptr)}, {"state", "created"}, {"pid", nullptr}, {"pid_start_time", nullptr},
                           {"cpus", number("--cpus", 4)}, {"mem", number("--mem", 8192)}, {"block_io", "sync"}, {"disk_durability", "full"},
                           {"mounts", list}, {"staged_mounts", list}, {"staged_mounts_detached_from", nullptr}, {"ports", list},
                           {"published_sockets", sockets}, {"network", options.count("--net") > 0}, {"gpu", nullptr}, {"nested_virt", nullptr},
                           {"gpu_vram_mib", nullptr}, {"rosetta", nullptr},
                           {"restart", {{"policy", "never"}, {"max_retries", 0}, {"max_backoff_secs", 0}, {"restart_count", 0}, {"user_stopped", false}}},
                           {"last_exit_code", nullptr}, {"init", list}, {"init_completed", false}, {"remote_volumes", list}, {"env", list},
                           {"workdir", nullptr}, {"storage_gb", number("--storage", 20)}, {"overlay_gb", number("--overlay", 10)},
                           {"allowed_cidrs", nullptr}, {"image", "local-dir:" + options.at("--image")}, {"entrypoint", list}, {"cmd", command}};
    if (!labels.empty()) record["labels"] = labels;
    for (const auto* key : {"health_cmd", "health_interval_secs", "health_timeout_secs", "health_retries", "health_startup_grace_secs"}) record[key] = nullptr;
    for (const auto* key : {"ssh_agent", "cuda", "docker_socket", "ephemeral", "runtime_managed"}) record[key] = false;
    for (const auto* key : {"block_io", "disk_durability", "staged_mounts", "staged_mounts_detached_from", "published_sockets", "nested_virt", "rosetta", "remote_volumes", "cuda",
                            "docker_socket", "runtime_managed"}) {
        if (kTsi) record.erase(key);
    }
    return record;
}

}  // namespace stand_in
