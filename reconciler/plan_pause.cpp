#include "reconciler/plan_builder.h"
#include "reconciler/plan_machine.h"
#include "reconciler/proof.h"

namespace bottle {
namespace {

/// The stop of a machine that lives without its proof; true where that is all that may be done now.
bool stops(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, PlanBuilder& builder) {
    const auto cause = reason_to_stop(desired, snapshot, diff_host(desired, snapshot), options);
    if (!cause.empty()) builder.stop_first(desired.machine.name, cause, Cost::Restart);
    return !cause.empty();
}

/// `verb` of a machine that is, or is not, `paused` already.
Plan plan_change(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options, bool paused, const std::string& verb, Action action) {
    PlanBuilder builder(desired.name, desired.place);
    if (life_of(snapshot.machine) == Life::Dead) {
        builder.refuse("no machine runs: there is nothing to " + verb, "bottle apply " + desired.name);
    } else if (!stops(desired, snapshot, options, builder) && is_paused(snapshot.machine) != paused) {
        builder.add(make_step(paused ? '!' : '>', verb, verb, desired.machine.name, "", "asked for", std::move(action)));
    }
    return std::move(builder).finish();
}

}  // namespace

Plan plan_pause(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options) {
    return plan_change(desired, snapshot, options, true, "pause", PauseMachine{});
}

Plan plan_resume(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options) {
    return plan_change(desired, snapshot, options, false, "resume", ResumeMachine{});
}

Plan plan_stop(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options) {
    PlanBuilder builder(desired.name, desired.place);
    if (life_of(snapshot.machine) != Life::Dead) stops(desired, snapshot, options, builder);
    return std::move(builder).finish();
}

}  // namespace bottle
