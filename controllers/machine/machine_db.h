#pragma once

#include "reconciler/observed.h"

#include <chrono>
#include <string>
#include <vector>

// smolvm's database, read and changed beside smolvm. The file is only ever opened through SQLite: opening and closing it in another way
// would drop SQLite's own locks on it.
namespace bottle {

struct DatabaseLook {
    Observation<MachineRow> row;
    std::vector<std::string> other_rows;
};

/// One look on a connection of its own. Absent: no database, or no row of that name. Unknown: locked past `patience`, damaged, not ours
/// (owner, link, writable by others), another table than smolvm's, or a trigger or view that could rewrite a row behind our back.
DatabaseLook read_machine_row(const std::string& database, const std::string& machine, std::chrono::milliseconds patience);

/// Replaces the row, in one BEGIN IMMEDIATE transaction, if its bytes are still exactly `expected`; writes a BLOB, which is all that smolvm
/// reads; then reads it again on a new connection. Returns the reason in words when any of it does not hold, else an empty text.
std::string replace_machine_row(const std::string& database, const std::string& machine, const MachineRow& expected, const std::string& replacement,
                                std::chrono::milliseconds patience);

}  // namespace bottle
