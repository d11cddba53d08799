#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>

// How the state database's own source files put a statement. Included nowhere else.
namespace bottle::sql {

inline void bind(SQLite::Statement& statement, int index, const std::string& value) {
    statement.bind(index, value);
}
inline void bind(SQLite::Statement& statement, int index, std::int64_t value) {
    statement.bind(index, value);
}

/// One statement with its parameters, ready to step.
template <class... Values>
SQLite::Statement prepared(SQLite::Database& database, const char* text, const Values&... values) {
    SQLite::Statement statement(database, text);
    int index = 0;
    (bind(statement, ++index, values), ...);
    return statement;
}

template <class... Values>
void run(SQLite::Database& database, const char* text, const Values&... values) {
    auto statement = prepared(database, text, values...);
    statement.exec();
}

inline std::string text_or_empty(const SQLite::Column& column) {
    return column.isNull() ? std::string() : column.getString();
}

}  // namespace bottle::sql
