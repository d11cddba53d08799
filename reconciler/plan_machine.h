#pragma once

#include "reconciler/plan_builder.h"

#include <string>
#include <vector>

namespace bottle {

/// Why a machine that lives, or may, has to be stopped now; empty if it may run on.
/// An unproved boot may run on only if it is this converge's own.
std::string reason_to_stop(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes, const PlanOptions& options);

/// Image, claim, create, allowlist, start for a machine that is dead (or about to be stopped); seal, prove, provision and launch for one that lives.
void plan_machine(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, bool runs_on, PlanBuilder& builder);

}  // namespace bottle
