#include "cli/work.h"

#include "cli/commands.h"
#include "cli/looks.h"
#include "cli/plan_file.h"
#include "reconciler/widening.h"

namespace bottle {
namespace {

std::vector<std::string> names_in(const std::vector<Manifest>& manifests) {
    std::vector<std::string> names;
    for (const auto& manifest : manifests) names.push_back(manifest.name);
    return names;
}

void append(std::vector<Problem>& problems, std::vector<Problem> more) {
    for (auto& problem : more) problems.push_back(std::move(problem));
}

/// Under the bottle's lock, too: between two looks a manifest may have been applied.
Veto no_widening(const Manifest& manifest, Session& session) {
    return [manifest, &session](const Look& look) { return refuse_widening(manifest, look, session); };
}

Veto not_moved(const Manifest& manifest, const SavedBottle& then, const KeyedDigest& digest) {
    return [=](const Look& look) { return what_moved(then, save_bottle(manifest, look.desired, look.snapshot, look.plan, digest), manifest.place); };
}

Veto both(Veto one, Veto other) {
    return [one = std::move(one), other = std::move(other)](const Look& look) {
        auto problems = one(look);
        return problems.empty() ? other(look) : problems;
    };
}

}  // namespace

std::vector<Problem> refuse_widening(const Manifest& manifest, const Look& look, Session& session) {
    const auto applied = session.applied(manifest.name);
    auto problems = widenings(applied ? std::optional(applied->manifest) : std::nullopt, manifest, session.policy(), look.desired, look.snapshot);
    if (!problems.empty()) problems.back().hint = "nothing was done; without --no-widen it is";
    return problems;
}

Work work_of_options(const Options& options, Session& session) {
    Work work;
    work.manifests = manifests_of(options, session);
    const auto kept = names_in(work.manifests);
    if (!options.selector.empty()) work.manifests = only_selected(std::move(work.manifests), options.selector);
    work.plan.adopt = options.adopt;
    work.orders.resize(work.manifests.size());
    for (std::size_t i = 0; options.no_widen && i < work.orders.size(); ++i) {
        work.orders[i].bound = true;
        work.orders[i].veto = no_widening(work.manifests[i], session);
    }
    if (options.prune) work.removals = look_at_removals(pruned_bottles(kept, options.selector, session), session);
    return work;
}

Work work_of_plan(const Options& options, Session& session) {
    const auto plan = read_plan_file(options.plan);
    const auto digest = session.plan_digest(plan.salt, plan.keyed);
    Work work;
    work.plan.adopt = plan.adopt;
    work.manifests = manifests_of_plan(plan, session);
    if (!plan.selector.empty()) work.manifests = only_selected(std::move(work.manifests), plan.selector);
    auto problems = bottles_moved(plan, work.manifests);
    if (!problems.empty()) throw plan_moved(std::move(problems));
    work.removals = look_at_removals(removed_by_plan(plan, session), session);
    Looks looks(session, work.plan);
    for (const auto& manifest : work.manifests) {
        ApplyOrder order;
        order.bound = true;
        order.promised = looks.promised();
        order.veto = not_moved(manifest, bottle_of_plan(plan, manifest.name), digest);
        append(problems, order.veto(looks.at(manifest)));
        if (options.no_widen) order.veto = both(order.veto, no_widening(manifest, session));
        work.orders.push_back(std::move(order));
    }
    for (const auto& [bottle, look] : work.removals) {
        append(problems, what_moved(bottle_of_plan(plan, bottle, true), save_removal(bottle, look.snapshot, look.plan, digest), {}));
    }
    if (!problems.empty()) throw plan_moved(std::move(problems));
    return work;
}

}  // namespace bottle
