#pragma once

#include "reconciler/plan_builder.h"

namespace bottle {

/// The guest's folders, the agent's prompt and its skills, in a boot that has not had them yet. Without prompt and skills, and `folded`, its line is the launch's.
void plan_provision(const Desired& desired, const Snapshot& snapshot, bool folded, PlanBuilder& builder);

/// In a boot that has: what the repository has become since. Who runs in the guest has read what was there before.
void plan_new_copies(const Desired& desired, const StoredState& stored, PlanBuilder& builder);

}  // namespace bottle
