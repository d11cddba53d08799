#pragma once

#include "reconciler/fingerprint.h"
#include "reconciler/plan.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

// A plan in a file: what shall be done, and all that it rests on, so that it is done only while nothing of that moved.
namespace bottle {

struct SavedStep {
    std::string id;
    std::string detail;
    std::string cost;

    bool operator==(const SavedStep&) const = default;
};

/// One bottle of a saved plan.
struct SavedBottle {
    std::string name;
    bool removes = false;   ///< it is deleted; the first two fingerprints are empty
    Fingerprint manifest;
    Fingerprint desired;
    Fingerprint observed;
    std::vector<SavedStep> steps;  ///< those with a printed line of their own

    bool operator==(const SavedBottle&) const = default;
};

struct SavedPlan {
    std::string made_at;             ///< RFC 3339 UTC
    std::vector<std::string> files;  ///< what -f named, absolute; empty: `name`
    bool recursive = false;
    std::string name;                ///< the bottle whose recorded manifest it is of
    std::map<std::string, std::string> selector;
    bool adopt = false;
    std::string salt;                ///< of every digest in it
    bool keyed = false;              ///< the state folder's key is in every digest, too: there was one
    std::vector<SavedBottle> bottles;

    bool operator==(const SavedPlan&) const = default;
};

SavedBottle save_bottle(const Manifest& manifest, const Desired& desired, const Snapshot& snapshot, const Plan& plan, const KeyedDigest& digest);
SavedBottle save_removal(const std::string& bottle, const Snapshot& snapshot, const Plan& plan, const KeyedDigest& digest);

/// Format "bottle.plan-file/v1".
std::string to_text(const SavedPlan& plan);
/// The reverse, of a text from outside. Throws Error{Exit::Usage} with the reason for everything that `to_text` does not write: another format, keys that
/// are unknown, missing or there twice, a bottle that is, more than 8 MiB.
SavedPlan read_saved_plan(const std::string& text);

/// Everything that moved since, each thing by its name and at `place`; empty where all is as it was. Steps are compared last: for what is none of this
/// bottle's, and for another version of bottle.
std::vector<Problem> what_moved(const SavedBottle& then, const SavedBottle& now, const Place& place);

}  // namespace bottle
