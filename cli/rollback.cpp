#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "controllers/history.h"
#include "manifests/stored_manifest.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

/// The newest of the generation that is asked for; without one, the newest whose generation is not the last one's.
const Revision& wanted(const std::vector<Revision>& revisions, const Options& options) {
    const auto is_wanted = [&](const Revision& revision) {
        return options.to ? revision.generation == *options.to : revision.generation != revisions.back().generation;
    };
    const auto found = std::find_if(revisions.rbegin(), revisions.rend(), is_wanted);
    if (found != revisions.rend()) return *found;
    const auto what = options.to ? fmt::format("no manifest of generation {} of bottle {} is kept", *options.to, options.name)
                                 : fmt::format("no manifest of bottle {} before the last one is kept", options.name);
    throw Error(Exit::Usage, what, fmt::format("bottle history {}   shows those that are", options.name));
}

}  // namespace

int run_rollback(const Options& options) {
    Session session(environment());
    manifests_of(options, session);
    History history(session.state_folder());
    const auto revisions = history.records(options.name).revisions;
    const auto& revision = wanted(revisions, options);
    SystemClock clock;
    const auto talk = make_talk(options);
    ConvergeOptions converge;
    converge.timeout = options.timeout;
    converge.may_lose_data = options.yes;
    const auto result = session.apply(from_stored_text(revision.manifest), converge, clock, *talk);
    talk->aside([&] { tell(options.name, result, fmt::format("Ready, by the manifest of generation {}", revision.generation)); });
    return static_cast<int>(result.exit);
}

}  // namespace bottle
