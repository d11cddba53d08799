#pragma once

#include <sqlite3.h>

#include <stdexcept>
#include <string>

/// A second hand on a database file, beside bottle's own.
class RawDatabase {
public:
    explicit RawDatabase(const std::string& path) {
        if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) throw std::runtime_error("cannot open " + path);
    }
    ~RawDatabase() { sqlite3_close(database_); }
    RawDatabase(const RawDatabase&) = delete;
    RawDatabase& operator=(const RawDatabase&) = delete;

    void exec(const std::string& sql) const {
        if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database_));
    }

    /// The first column of the first row; empty without one.
    std::string text(const std::string& sql) const {
        std::string result;
        const auto keep = [](void* to, int, char** values, char**) {
            *static_cast<std::string*>(to) = values[0] == nullptr ? "" : values[0];
            return 1;
        };
        sqlite3_exec(database_, sql.c_str(), keep, &result, nullptr);
        return result;
    }

private:
    sqlite3* database_ = nullptr;
};
