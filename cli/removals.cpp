#include "cli/removals.h"

#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/print_get.h"

#include <algorithm>

namespace bottle {
namespace {

/// A bottle whose first apply never came to its end has no manifest, and so no labels.
bool is_selected(const std::string& bottle, const std::map<std::string, std::string>& selector, Session& session) {
    if (selector.empty()) return true;
    const auto applied = session.applied(bottle);
    return applied && selected(applied->manifest.labels, selector);
}

}  // namespace

std::vector<Removal> look_at_removals(const std::vector<std::string>& bottles, Session& session) {
    std::vector<Removal> removals;
    for (const auto& bottle : bottles) removals.push_back({bottle, session.look_at_removal(bottle)});
    return removals;
}

std::vector<std::string> pruned_bottles(const std::vector<std::string>& kept, const std::map<std::string, std::string>& selector, Session& session) {
    auto bottles = session.bottles();
    std::erase_if(bottles, [&](const std::string& bottle) { return std::find(kept.begin(), kept.end(), bottle) != kept.end() || !is_selected(bottle, selector, session); });
    return bottles;
}

std::vector<Plan> plans_of(const std::vector<Removal>& removals) {
    std::vector<Plan> plans;
    for (const auto& removal : removals) plans.push_back(removal.look.plan);
    return plans;
}

Exit show(const std::vector<Plan>& plans, const Options& options) {
    auto worst = Exit::Ok;
    for (const auto& plan : plans) {
        print(plan_as(options.output, plan, screen_of(options)));
        if (!plan.refusals.empty()) worst = Exit::Precondition;
    }
    return worst;
}

Exit remove_all(const std::vector<Removal>& removals, const Options& options, Session& session, Clock& clock, Talk& talk) {
    auto worst = Exit::Ok;
    for (const auto& removal : removals) {
        ConvergeOptions converge;
        converge.timeout = options.timeout;
        converge.may_lose_data = options.yes || loses_data(removal.look.plan);
        const auto result = session.remove(removal.bottle, converge, clock, talk);
        talk.aside([&] { tell(removal.bottle, result, result.steps_done == 0 ? "nothing of it is here" : "deleted"); });
        worst = std::max(worst, result.exit);
    }
    return worst;
}

}  // namespace bottle
