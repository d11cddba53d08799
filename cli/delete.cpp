#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/progress.h"
#include "manifests/load.h"

#include <algorithm>
#include <iostream>

namespace bottle {
namespace {

/// By name, also when the manifest is gone; else every bottle of the files.
std::vector<std::string> doomed(const Options& options, Session& session) {
    if (!options.name.empty()) return {options.name};
    std::vector<std::string> names;
    for (const auto& manifest : manifests_of(options, session)) names.push_back(manifest.name);
    return names;
}

}  // namespace

int run_delete(const Options& options) {
    Session session(environment());
    SystemClock clock;
    LineProgress progress;
    auto worst = Exit::Ok;
    for (const auto& name : doomed(options, session)) {
        ConvergeOptions converge;
        converge.timeout = options.timeout;
        const auto result = session.remove(name, converge, clock, progress);
        worst = std::max(worst, tell(name, result, result.steps_done == 0 ? "nothing of it is here" : "deleted"));
    }
    return static_cast<int>(worst);
}

}  // namespace bottle
