#pragma once

#include "cli/options.h"
#include "cli/progress.h"
#include "controllers/session.h"

#include <string>
#include <vector>

namespace bottle {

/// A bottle that is to be deleted, and what that takes by the look that people are shown.
struct Removal {
    std::string bottle;
    RemovalLook look;
};

/// Reads only.
std::vector<Removal> look_at_removals(const std::vector<std::string>& bottles, Session& session);

/// `--prune`: the bottles of our records that are not among `kept`; with -l only those whose applied manifest has its labels.
std::vector<std::string> pruned_bottles(const std::vector<std::string>& kept, const std::map<std::string, std::string>& selector, Session& session);

std::vector<Plan> plans_of(const std::vector<Removal>& removals);

/// Prints what would be done, as -o says. Returns Exit::Ok, or Exit::Precondition where something is refused.
Exit show(const std::vector<Plan>& plans, const Options& options);

/// One after the other; data goes only where the look showed it, or with --yes. Returns the worst exit code.
Exit remove_all(const std::vector<Removal>& removals, const Options& options, Session& session, Clock& clock, Talk& talk);

}  // namespace bottle
