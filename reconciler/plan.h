#pragma once

#include "reconciler/desired.h"
#include "reconciler/diff.h"
#include "reconciler/observed.h"
#include "reconciler/step.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bottle {

struct PlanOptions {
    /// `apply --adopt`: take what another owner's state folder made, and old disks without a row.
    bool adopt = false;
    /// `verify`: take the guest's evidence anew although it is stored.
    bool prove_again = false;
    /// `run`: the agent's command is the caller's own to launch.
    bool hold_launch = false;
    /// The boot that this very converge started (pid, start time): it may be proved. Any other unproved one is stopped.
    std::optional<std::pair<std::int64_t, std::uint64_t>> own_start;
};

/// Steps in the order in which they run; a refusal keeps every step but a stop from being planned.
struct Plan {
    std::string bottle;
    Place place;
    std::vector<Step> steps;
    std::vector<Problem> refusals;
    Exit refused = Exit::Precondition;  ///< what a command ends with that meets them; Usage: the host policy does not allow the manifest

    bool empty() const { return steps.empty() && refusals.empty(); }
};

/// What brings the host to `desired`. Pure: the same values give the same plan.
Plan plan_apply(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options);

/// What pauses a machine that is proved: one step, or a stop where it is not. Refused where none runs.
Plan plan_pause(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options);
/// The same, to let it go on.
Plan plan_resume(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options);
/// Only the stop of a machine that lives without its proof, or nothing.
Plan plan_stop(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options);

/// What removes the bottle, in the order machine, containers, networks, volumes, allocations. Needs no manifest.
Plan plan_delete(const std::string& bottle, const Snapshot& snapshot);

/// The plan as people read it: one line a step, and what it costs. No line for a step that is part of another.
std::string to_text(const Plan& plan);
/// The same as JSON (format "bottle.plan/v1"), every step on its own.
std::string to_json(const Plan& plan);

/// A step of it costs the user data.
bool loses_data(const Plan& plan);

/// "nothing", "restart", "data": as printed.
const char* name_of(Cost cost);

}  // namespace bottle
