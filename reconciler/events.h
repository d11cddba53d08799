#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What happened to a bottle, of what its records hold. Times are RFC 3339 in UTC with seconds.
namespace bottle {

/// A step of ours, with the intent before it and the result after it.
struct JournalEntry {
    std::int64_t entry = 0;
    std::string bottle;
    std::string begun;
    std::string step;    ///< a step's id: "create container bottle-docs-infra"
    std::string cause;
    std::string ended;   ///< empty: no end is recorded
    std::string result;  ///< "done", "failed: …", "again later: …"

    bool operator==(const JournalEntry&) const = default;
};

/// A condition that became another.
struct Transition {
    std::int64_t entry = 0;
    std::string bottle;
    std::string time;
    std::string type;
    std::string status;
    std::string reason;
    std::string message;

    bool operator==(const Transition&) const = default;
};

/// A manifest that was applied, and was not the one before it.
struct Revision {
    std::int64_t entry = 0;
    std::string bottle;
    std::string time;
    std::int64_t generation = 0;
    std::string manifest;  ///< format "bottle.manifest/v1"

    bool operator==(const Revision&) const = default;
};

struct Records {
    std::vector<JournalEntry> journal;
    std::vector<Transition> transitions;
    std::vector<Revision> revisions;
};

/// In Kubernetes' words.
struct Event {
    std::string id;  ///< of this record in this state: one that is ended later is another
    std::string bottle;
    std::string time;
    std::string type;     ///< Normal, Warning
    std::string reason;   ///< CamelCase
    std::string object;   ///< "container/bottle-docs-infra", "bottle/docs"
    std::string message;

    bool operator==(const Event&) const = default;
};

/// All of it in the order of time. Pure.
std::vector<Event> events(const Records& records);

/// One line of `bottle history`.
struct HistoryLine {
    std::int64_t generation = 0;
    std::string time;
    std::vector<std::string> changes;  ///< "machine.cpus: 2 → 4", "agent.env: changed"; empty: what it means is as before
    bool first = false;                ///< of those that are kept: what it changed is not known
    std::string ready;                 ///< the last that is recorded of Ready before the next one: "True", "False: …"; empty: nothing is

    bool operator==(const HistoryLine&) const = default;
};

/// What each applied manifest of one bottle changed, and what came of it. Pure. Of variables only that they changed is said: their values are
/// nobody's business on a screen.
std::vector<HistoryLine> history(const Records& records);

}  // namespace bottle
