#include "cli/commands.h"
#include "cli/looks.h"
#include "cli/plan_file.h"
#include "cli/print.h"
#include "cli/work.h"

#include <fmt/format.h>

namespace bottle {

int run_plan(const Options& options) {
    Session session(environment());
    const bool keeps = !options.out.empty();
    auto saved = keeps ? new_saved_plan(options, session) : SavedPlan();
    const auto digest = session.plan_digest(saved.salt, saved.keyed);
    const auto work = work_of_options(options, session);
    std::vector<Problem> widened;
    bool refused = false;
    for (const auto& [bottle, look] : work.removals) {
        print(plan_as(options.output, look.plan, screen_of(options)));
        refused = refused || !look.plan.refusals.empty();
        if (keeps) saved.bottles.push_back(save_removal(bottle, look.snapshot, look.plan, digest));
    }
    Looks looks(session, work.plan);
    for (const auto& manifest : work.manifests) {
        const auto look = looks.at(manifest);
        print_look(options, look);
        refused = refused || !look.plan.refusals.empty();
        if (options.no_widen) {
            for (auto& problem : refuse_widening(manifest, look, session)) widened.push_back(std::move(problem));
        }
        if (keeps) saved.bottles.push_back(save_bottle(manifest, look.desired, look.snapshot, look.plan, digest));
    }
    if ((refused || !widened.empty()) && keeps) say(fmt::format("{} is not written: something is refused\n", printable(options.out)));
    if (!widened.empty()) throw Error(Exit::Precondition, std::move(widened));
    if (refused) return static_cast<int>(Exit::Precondition);
    if (!keeps) return static_cast<int>(Exit::Ok);
    write_plan_file(options.out, saved);
    say(fmt::format("written to {}: bottle apply {}\n", printable(options.out), printable(plan_word(options.out))));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
