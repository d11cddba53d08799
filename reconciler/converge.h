#pragma once

#include "reconciler/plan.h"
#include "reconciler/world.h"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace bottle {

struct ConvergeOptions {
    PlanOptions plan;
    std::chrono::milliseconds timeout{60'000};
    bool may_lose_data = false;  ///< steps that cost data were asked for; else the first of them ends it, with Exit::Precondition
};

/// What the loop came to.
struct ConvergeResult {
    Exit exit = Exit::Failed;
    std::vector<Problem> problems;  ///< why it is not Exit::Ok, in words
    std::size_t steps_done = 0;
    Snapshot snapshot;              ///< the last look
};

/// Makes the plan for a look: allocation, desire, diff and plan in one, and the Desired that it was made from.
struct Planned {
    Desired desired;
    Plan plan;
};
using Planner = std::function<Planned(const Snapshot&, const PlanOptions&)>;

/// Looks, plans, does the first step, and looks again, until the plan is empty, a step fails for good or does not take, the time is up,
/// or the user interrupts. However it ends, a machine that lives without its proof is stopped; Exit::Unsafe if that fails.
ConvergeResult converge(const std::string& bottle, const Scope& scope, const Planner& planner, Observer& observer, Executor& executor,
                        Clock& clock, Progress& progress, const ConvergeOptions& options);

/// Exponential from 100 ms to 5 s, with up to half of it added by `random` (0 to 1).
std::chrono::milliseconds next_delay(int attempt, double random);

}  // namespace bottle
