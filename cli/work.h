#pragma once

#include "cli/options.h"
#include "cli/removals.h"
#include "controllers/session.h"

#include <vector>

namespace bottle {

/// What `apply` does: which manifests, what each apply is held to, and which bottles go.
struct Work {
    std::vector<Manifest> manifests;
    PlanOptions plan;
    std::vector<ApplyOrder> orders;  ///< beside `manifests`
    std::vector<Removal> removals;
};

/// Of -f or a NAME, with -l, --adopt, --prune and --no-widen. Reads only, as the other does.
Work work_of_options(const Options& options, Session& session);

/// Of a saved plan. Throws `plan_moved` with everything that moved; each apply is held to that it still has not.
Work work_of_plan(const Options& options, Session& session);

/// What the plan of one look lets the guest reach beyond the manifest that was applied last, each with the way out.
std::vector<Problem> refuse_widening(const Manifest& manifest, const Look& look, Session& session);

}  // namespace bottle
