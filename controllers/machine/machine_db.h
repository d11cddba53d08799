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

/// One look on a connection of its own. Absent: no database, one without any table, or no row of that name. Unknown: locked past `patience`,
/// damaged, not ours (the file's owner, a link, or it or a folder above can be written by others), another table than smolvm's, a trigger or
/// view that could rewrite a row behind our back, a second row that has the name but for case or type, or a row larger than 1 MiB.
/// `patience` should be more than the 15 s for which smolvm itself waits.
DatabaseLook read_machine_row(const std::string& database, const std::string& machine, std::chrono::milliseconds patience);

/// Replaces the row, in one BEGIN IMMEDIATE transaction, if its bytes are still exactly `expected`; writes a BLOB, which is all that smolvm
/// reads; then reads it again on a new connection. Writes nothing where the row is to be what it is. Returns the reason in words when any
/// of it does not hold, else an empty text.
std::string replace_machine_row(const std::string& database, const std::string& machine, const MachineRow& expected, const std::string& replacement,
                                std::chrono::milliseconds patience);

}  // namespace bottle
