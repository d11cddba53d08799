#pragma once

#include "cli/options.h"
#include "controllers/session.h"
#include "reconciler/saved_plan.h"

#include <string>
#include <vector>

// The file of `plan --out` and `apply PLAN`.
namespace bottle {

/// A new plan of these options, without its bottles: whose manifests it is of, and the salt of its digests. Throws Error{Exit::Usage} for a manifest from
/// standard input: it cannot be read again.
SavedPlan new_saved_plan(const Options& options, Session& session);

/// Throws Error{Exit::Usage} where `path` holds anything but such a plan: nothing else is written over. Throws as `write_private_file` does.
void write_plan_file(const std::string& path, const SavedPlan& plan);

/// Throws Error{Exit::Usage} where there is none, or it cannot be read; Error{Exit::Failed} where somebody else could have written it.
SavedPlan read_plan_file(const std::string& path);

/// The manifests that the plan is of, read again, before -l. Throws as `manifests_of` does.
std::vector<Manifest> manifests_of_plan(const SavedPlan& plan, Session& session);

/// The bottles that the plan deletes. Throws `plan_moved` for one that our records do not know.
std::vector<std::string> removed_by_plan(const SavedPlan& plan, Session& session);

/// Which bottles the manifests name that the plan does not, and the reverse.
std::vector<Problem> bottles_moved(const SavedPlan& plan, const std::vector<Manifest>& manifests);

/// The file as `apply` takes it for one: "next" is "./next".
std::string plan_word(const std::string& path);

/// The bottle of that name, which is there.
const SavedBottle& bottle_of_plan(const SavedPlan& plan, const std::string& name, bool removes = false);

/// The error of a plan that moved: all of what moved, and the way out.
Error plan_moved(std::vector<Problem> problems);

}  // namespace bottle
