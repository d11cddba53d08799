#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/print_doctor.h"
#include "cli/progress.h"

#include <algorithm>

namespace bottle {
namespace {

Exit repair(Session& session, const Observation<std::vector<Leftover>>& leftovers, const Options& options) {
    SystemClock clock;
    const auto talk = make_talk(options);
    ConvergeOptions converge;
    converge.timeout = options.timeout;
    auto worst = Exit::Ok;
    if (!leftovers.present()) return worst;
    for (const auto& left : *leftovers) {
        if (!left.ours || left.has_data) continue;
        const auto result = session.repair(left, converge, clock, *talk);
        if (result.exit == Exit::Ok) say(in_words(left) + ": removed\n");
        else worst = std::max(worst, tell(left.name, result, ""));
    }
    return worst;
}

}  // namespace

int run_doctor(const Options& options) {
    Session session(environment());
    auto facts = session.doctor_facts();
    auto worst = Exit::Ok;
    if (options.repair) {
        worst = repair(session, facts.leftovers, options);
        facts = session.doctor_facts();
    }
    const auto checks = examine(facts);
    print(options.output == "json" ? doctor_json(checks) : doctor_text(checks, screen_of(options)));
    const bool well = std::all_of(checks.begin(), checks.end(), [](const HostCheck& check) { return check.finding == Finding::Good || check.finding == Finding::Note; });
    return static_cast<int>(std::max(worst, well ? Exit::Ok : Exit::Precondition));
}

}  // namespace bottle
