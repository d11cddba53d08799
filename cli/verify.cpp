#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/progress.h"

#include <algorithm>

#include <fmt/format.h>

namespace bottle {
namespace {

Exit verify(Session& session, const Manifest& manifest, const Options& options, Clock& clock, Talk& talk) {
    const auto look = session.look(manifest, {});
    const auto before = condition(conditions(look.desired, look.snapshot), "MachineReady");
    // Of one that is paused the plan says why its guest cannot be asked.
    if (before.status == "False" && before.reason != "Paused") {
        say(fmt::format("bottle {}: no machine runs, there is nothing to verify\n", manifest.name));
        return Exit::Failed;
    }
    ConvergeOptions converge;
    converge.timeout = options.timeout;
    converge.plan.prove_again = true;
    const auto result = session.apply(manifest, converge, clock, talk);
    talk.aside([&] { tell(manifest.name, result, "Confined, proved anew"); });
    return result.exit;
}

}  // namespace

int run_verify(const Options& options) {
    Session session(environment());
    SystemClock clock;
    const auto talk = make_talk(options);
    auto worst = Exit::Ok;
    for (const auto& manifest : manifests_of(options, session)) worst = std::max(worst, verify(session, manifest, options, clock, *talk));
    return static_cast<int>(worst);
}

}  // namespace bottle
