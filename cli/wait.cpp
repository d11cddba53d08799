#include "cli/commands.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/wait_for.h"

#include <algorithm>

namespace bottle {
namespace {

/// A bottle that nobody knows cannot become Ready, and is deleted already.
std::vector<std::string> waited_for(const WaitFor& wanted, const Options& options, Session& session) {
    if (wanted.gone && !options.names.empty()) return options.names;
    auto names = names_of(options, session);
    if (names.empty() && !wanted.gone) throw Error(Exit::Usage, "there is no bottle to wait for", "bottle apply -f FILE");
    return names;
}

LookAt look_of(const WaitFor& wanted, Session& session) {
    return [&wanted, &session](const std::string& bottle) -> std::optional<std::vector<Condition>> {
        const auto known = session.bottles();
        if (std::find(known.begin(), known.end(), bottle) == known.end()) return std::nullopt;
        // Whether it is gone stands in our own records: nothing else has to be looked at.
        if (wanted.gone) return std::vector<Condition>{};
        const auto applied = session.applied(bottle);
        if (!applied) return std::vector<Condition>{{wanted.type, "Unknown", "NotApplied", "its first apply did not come to an end"}};
        const auto look = session.look(applied->manifest, {});
        return conditions(look.desired, look.snapshot);
    };
}

}  // namespace

int run_wait(const Options& options) {
    const auto wanted = parse_wait_for(options.wait_for);
    Session session(environment());
    SystemClock clock;
    const auto result = wait_until(wanted, waited_for(wanted, options, session), look_of(wanted, session), clock, options.timeout);
    print(options.output == "json" ? wait_json(wanted, result) : wait_text(wanted, result));
    if (result.exit != Exit::Ok) say(render(Error(result.exit, wait_problems(wanted, result))));
    return static_cast<int>(result.exit);
}

}  // namespace bottle
