#include "controllers/session_parts.h"

#include "controllers/state/file_lock.h"

#include <fmt/format.h>

namespace bottle {

/// A plan for a bottle as it stands: nothing is allocated for it, and its manifest is not recorded anew.
ConvergeResult Session::converge_held(const Manifest& manifest, HeldPlan plan, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    const auto first = look(manifest, options.plan);
    if (const auto planned = plan(first.desired, first.snapshot, options.plan); planned.steps.empty()) {
        return {planned.refusals.empty() ? Exit::Ok : Exit::Precondition, planned.refusals, 0, first.snapshot};
    }
    const FileLock lock(parts_->lock_of(manifest.name), options.timeout);
    auto world = parts_->world(manifest.name);
    const auto allocation = first.desired.allocation;
    const auto digest = parts_->keyed_digest(false);
    Desired last;
    const Planner planner = [&](const Snapshot& snapshot, const PlanOptions& plan_options) {
        last = desire(manifest, parts_->policy(), allocation, snapshot, digest);
        return Planned{last, plan(last, snapshot, plan_options)};
    };
    auto result = converge(manifest.name, parts_->scope_of(manifest, allocation), planner, world, world, clock, progress, options);
    parts_->store.save_conditions(manifest.name, conditions(last, result.snapshot));
    return result;
}

ConvergeResult Session::pause(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    return converge_held(manifest, plan_pause, options, clock, progress);
}

ConvergeResult Session::resume(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    return converge_held(manifest, plan_resume, options, clock, progress);
}

ConvergeResult Session::stop_unproved(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    const auto now = look(manifest, options.plan);
    const auto plan = plan_stop(now.desired, now.snapshot, options.plan);
    if (plan.steps.empty()) return {Exit::Ok, {}, 0, now.snapshot};
    auto result = converge_held(manifest, plan_stop, options, clock, progress);
    if (result.exit != Exit::Ok) return result;
    result.exit = Exit::Failed;
    result.problems.push_back({{}, fmt::format("{} was stopped: {}", now.desired.machine.name, plan.steps.front().cause), "bottle diff   shows what is there now", ""});
    return result;
}

}  // namespace bottle
