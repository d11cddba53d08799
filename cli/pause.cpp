#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/print_get.h"
#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

using Change = ConvergeResult (Session::*)(const Manifest&, const ConvergeOptions&, Clock&, Progress&);

/// Those that are named, or those that -l selects: never all for want of a word.
std::vector<Manifest> meant(const Options& options, Session& session, const char* command) {
    if (options.names.empty() && options.selector.empty()) {
        throw Error(Exit::Usage, fmt::format("bottle {} needs the NAME of a bottle, or -l", command), fmt::format("for example: bottle {} docs-writer", command));
    }
    std::vector<Manifest> manifests;
    for (const auto& name : names_of(options, session)) {
        auto applied = session.applied(name);
        if (applied && selected(applied->manifest.labels, options.selector)) manifests.push_back(std::move(applied->manifest));
        else if (!applied && !options.names.empty()) throw Error(Exit::Usage, fmt::format("the first apply of bottle {} did not come to an end", name), "bottle apply -f FILE");
    }
    return manifests;
}

int change_all(const Options& options, const char* command, const char* done, const char* nothing, Change change) {
    Session session(environment());
    SystemClock clock;
    const auto talk = make_talk(options);
    ConvergeOptions converge;
    converge.timeout = options.timeout;
    auto worst = Exit::Ok;
    const auto manifests = meant(options, session, command);
    if (manifests.empty()) say("no bottle has these labels\n");
    for (const auto& manifest : manifests) {
        const auto result = (session.*change)(manifest, converge, clock, *talk);
        worst = std::max(worst, tell(manifest.name, result, result.steps_done == 0 ? nothing : done));
    }
    return static_cast<int>(worst);
}

}  // namespace

int run_pause(const Options& options) {
    return change_all(options, "pause", "paused", "paused already", &Session::pause);
}

int run_resume(const Options& options) {
    return change_all(options, "resume", "resumed", "not paused", &Session::resume);
}

}  // namespace bottle
