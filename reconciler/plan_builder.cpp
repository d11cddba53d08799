#include "reconciler/plan_builder.h"

#include <algorithm>

namespace bottle {

PlanBuilder::PlanBuilder(std::string bottle, Place place) {
    plan_.bottle = std::move(bottle);
    plan_.place = std::move(place);
}

std::string PlanBuilder::add(Step step, const std::vector<std::string>& after) {
    const auto known = ids();
    if (stops()) step.after.push_back(stop_id_);
    for (const auto& id : after) {
        const bool in_plan = std::find(known.begin(), known.end(), id) != known.end();
        const bool twice = std::find(step.after.begin(), step.after.end(), id) != step.after.end();
        if (in_plan && !twice) step.after.push_back(id);
    }
    plan_.steps.push_back(std::move(step));
    return plan_.steps.back().id;
}

void PlanBuilder::refuse(std::string text, std::string hint) {
    refuse(Problem{plan_.place.file.empty() ? std::nullopt : std::optional(plan_.place), std::move(text), std::move(hint), {}});
}

void PlanBuilder::stop_first(const std::string& machine, const std::string& cause, Cost cost) {
    auto step = make_step('!', "stop", "stop", machine, "", cause, StopMachine{});
    step.cost = cost;
    stop_id_ = step.id;
    plan_.steps.insert(plan_.steps.begin(), std::move(step));
}

std::vector<std::string> PlanBuilder::ids() const {
    std::vector<std::string> all;
    for (const auto& step : plan_.steps) all.push_back(step.id);
    return all;
}

Plan PlanBuilder::finish() && {
    if (!plan_.refusals.empty()) {
        const auto is_stop = [](const Step& step) { return std::holds_alternative<StopMachine>(step.action); };
        plan_.steps.erase(std::remove_if(plan_.steps.begin(), plan_.steps.end(), [&](const Step& s) { return !is_stop(s); }), plan_.steps.end());
    }
    return std::move(plan_);
}

Step make_step(char symbol, const std::string& verb, std::string kind, std::string resource, std::string detail, std::string cause, Action action) {
    Step step;
    step.id = verb == kind ? verb + " " + resource : verb + " " + kind + " " + resource;
    step.symbol = symbol;
    step.kind = std::move(kind);
    step.resource = std::move(resource);
    step.detail = std::move(detail);
    step.cause = std::move(cause);
    step.action = std::move(action);
    return step;
}

}  // namespace bottle
