#pragma once

#include "reconciler/events.h"
#include "reconciler/report.h"

#include <string>

namespace SQLite {
class Database;
}

// The parts of the state database that tell what happened, as statements on an open connection. StateStore alone calls them, in its transactions.
// Bounds: the newest 1000 journal entries, 500 transitions and 50 revisions of one bottle, and 20 times as many of all bottles together, those that
// were deleted too; of a transition's message the first 1000 bytes.
namespace bottle {

/// After a new journal entry of the bottle: the oldest go.
void prune_journal(SQLite::Database& database, const std::string& bottle);

/// A condition that became another, now.
void record_transition(SQLite::Database& database, const std::string& bottle, const Condition& condition);

/// An applied manifest that is not the one before it, now; and, at the bottle's first, since when there is one.
void record_revision(SQLite::Database& database, const std::string& bottle, std::int64_t generation, const std::string& manifest);

/// What is kept of one bottle, or of all for an empty name; the oldest first. A database of version 1 has the journal alone.
Records read_history(SQLite::Database& database, const std::string& bottle);

}  // namespace bottle
