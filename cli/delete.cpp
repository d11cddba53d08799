#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/removals.h"

#include <fmt/format.h>

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
    const auto removals = look_at_removals(doomed(options, session), session);
    if (options.dry_run) return static_cast<int>(show(plans_of(removals), options));
    SystemClock clock;
    must_consent(plans_of(removals), options, fmt::format("bottle delete {} --yes", options.name.empty() ? "-f FILE" : options.name));
    const auto talk = make_talk(options);
    return static_cast<int>(remove_all(removals, options, session, clock, *talk));
}

}  // namespace bottle
