#pragma once

#include "reconciler/plan.h"

#include <string>
#include <vector>

// Shared by the plan_*.cpp files: collects steps in order and keeps their ids straight.
namespace bottle {

class PlanBuilder {
public:
    PlanBuilder(std::string bottle, Place place);

    /// Appends a step that comes after every step so far whose id is in `after`, and after the stop of the machine.
    /// Returns its id.
    std::string add(Step step, const std::vector<std::string>& after = {});
    void refuse(Problem problem) { plan_.refusals.push_back(std::move(problem)); }
    void refuse(std::string text, std::string hint = {});

    /// The stop of the machine, before everything else.
    void stop_first(const std::string& machine, const std::string& cause, Cost cost);
    bool stops() const { return !stop_id_.empty(); }

    /// Ids of all steps so far.
    std::vector<std::string> ids() const;

    /// The finished plan; with a refusal only the stop is left of the steps.
    Plan finish() &&;

private:
    Plan plan_;
    std::string stop_id_;
};

/// A step with its printed columns; the id is made of verb, kind and resource, the verb once where it is the kind.
Step make_step(char symbol, const std::string& verb, std::string kind, std::string resource, std::string detail, std::string cause, Action action);

}  // namespace bottle
