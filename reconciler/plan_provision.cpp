#include "reconciler/plan_provision.h"

#include "reconciler/agent_files.h"

namespace bottle {
namespace {

Step provision_step(char symbol, const Desired& desired, std::string detail, std::string cause, Provision action) {
    return make_step(symbol, "provision", "provision", desired.machine.name, std::move(detail), std::move(cause), std::move(action));
}

}  // namespace

void plan_provision(const Desired& desired, const Snapshot& snapshot, bool folded, PlanBuilder& builder) {
    Provision action{desired.user, desired.copies, unwanted_copies(desired, *snapshot.stored), true};
    const bool copies = !action.copies.empty() || !action.removed.empty();
    auto detail = "as " + desired.user + (desired.copies.empty() ? "" : ": " + in_words(desired.copies));
    auto step = provision_step(copies ? '+' : '>', desired, std::move(detail), "not done in this boot", std::move(action));
    if (folded && !copies) step.part_of = "launch " + desired.workload->command.front();
    builder.add(std::move(step), builder.ids());
}

void plan_new_copies(const Desired& desired, const StoredState& stored, PlanBuilder& builder) {
    const auto cause = copies_doubt(desired, stored);
    if (cause.empty()) return;
    Provision action{desired.user, {}, unwanted_copies(desired, stored), false};
    for (const auto& copy : desired.copies) {
        const bool is_there = stored.copied.contains(copy.target) && stored.copied.at(copy.target) == copy.digest;
        if (!is_there) action.copies.push_back(copy);
    }
    const auto detail = "as " + desired.user + (action.copies.empty() ? "" : ": " + in_words(action.copies));
    builder.add(provision_step('~', desired, detail, cause, std::move(action)), builder.ids());
}

}  // namespace bottle
