#include "controllers/session_parts.h"

#include "controllers/state/file_lock.h"
#include "controllers/state/identity.h"
#include "manifests/stored_manifest.h"
#include "reconciler/generation.h"
#include "reconciler/secrets.h"

#include <fmt/format.h>

namespace bottle {
namespace {

Planner removal_planner(const std::string& bottle) {
    return [bottle](const Snapshot& snapshot, const PlanOptions&) {
        Planned planned;
        planned.desired.name = bottle;
        planned.plan = plan_delete(bottle, snapshot);
        return planned;
    };
}

/// However the apply ends: their values are needed no more.
struct ForgetSecrets {
    SecretReader& reader;
    const std::set<std::string>& names;

    ~ForgetSecrets() { reader.forget(names); }
};

/// Nothing of the bottle was on this host.
bool was_absent(const Look& look) {
    const auto& machine = look.snapshot.machine;
    const auto& docker = look.snapshot.docker;
    return machine.row.absent() && machine.vm_folder.absent() && docker.present() && docker->containers.empty() && docker->volumes.empty();
}

std::vector<Problem> asked(const ApplyOrder& order, const Look& look) {
    return order.veto ? order.veto(look) : std::vector<Problem>{};
}

}  // namespace

ConvergeResult Session::apply(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress, const ApplyOrder& order) {
    // What a run that was killed has left is made to stay.
    if (const auto folder = parts_->place.bottle_folder(manifest.name); !options.plan.hold_launch && RunClaim::marked(folder)) RunClaim::unmark(folder);
    // Nothing is written, not even a lock, on a host that already is as it shall be or cannot be used.
    const auto secrets = options.plan.prove_again ? std::set<std::string>{} : secrets_given(manifest, policy());
    const auto first = look(manifest, options.plan, options.plan.prove_again ? Secrets::Left : Secrets::Read, order.promised);
    const ForgetSecrets forget{*parts_->secrets, secrets};
    if (auto problems = asked(order, first); !problems.empty()) return {Exit::Precondition, std::move(problems), 0, first.snapshot};
    const bool stops = !first.plan.steps.empty() && std::holds_alternative<StopMachine>(first.plan.steps.front().action);
    if (!first.plan.empty() && !stops) {
        if (first.plan.refused == Exit::Usage) return {Exit::Usage, first.plan.refusals, 0, first.snapshot};
        // What the host is asked for otherwise would be for another mode.
        if (!first.desired.forbidden.empty()) return {Exit::Precondition, first.plan.refusals, 0, first.snapshot};
        if (auto problems = preflight(first); !problems.empty()) return {Exit::Precondition, std::move(problems), 0, first.snapshot};
        if (!first.plan.refusals.empty()) return {Exit::Precondition, first.plan.refusals, 0, first.snapshot};
    }
    if (first.plan.empty()) {
        parts_->store.save_applied(manifest.name, to_stored_text(manifest), parts_->keyed_digest(false)(generation_text(first.desired)));
        parts_->store.save_conditions(manifest.name, conditions(first.desired, first.snapshot));
        return {Exit::Ok, {}, 0, first.snapshot};
    }

    const FileLock lock(parts_->lock_of(manifest.name), options.timeout);
    std::optional<Allocation> bound;
    if (order.bound) {
        const auto locked = look(manifest, options.plan, Secrets::Read, order.promised);
        if (auto problems = asked(order, locked); !problems.empty()) return {Exit::Precondition, std::move(problems), 0, locked.snapshot};
        bound = locked.desired.allocation;
    }
    make_owner(parts_->place.owner_file);
    auto world = parts_->world(manifest.name);
    const auto allocation = parts_->reserve(manifest, world, bound);
    const auto digest = parts_->keyed_digest(true);
    Desired last;
    const Planner planner = [&](const Snapshot& snapshot, const PlanOptions& plan_options) {
        last = desire(manifest, parts_->policy(), allocation, snapshot, digest);
        return Planned{last, plan_apply(last, snapshot, plan_options)};
    };
    auto scope = parts_->scope_of(manifest, allocation);
    scope.secrets = secrets;
    auto result = converge(manifest.name, scope, planner, world, world, clock, progress, options);
    if (result.exit == Exit::Precondition && was_absent(first)) {
        // What only a real start can tell (a /dev/kvm that starts no guest): a host that cannot run it is left as it was found.
        auto removal = options;
        removal.may_lose_data = true;
        const auto removed = converge(manifest.name, parts_->removal_scope(manifest.name), removal_planner(manifest.name), world, world, clock, progress, removal);
        if (removed.exit == Exit::Ok) return result;
    }
    parts_->store.save_applied(manifest.name, to_stored_text(manifest), digest(generation_text(last)));
    const auto reached = conditions(last, result.snapshot);
    parts_->store.save_conditions(manifest.name, reached);
    // A `run` launches the agent's command itself, when all else holds.
    const auto& ready = condition(reached, options.plan.hold_launch ? "Provisioned" : "Ready");
    if (result.exit == Exit::Ok && ready.status != "True") {
        result.exit = Exit::Failed;
        result.problems.push_back({{}, fmt::format("not Ready: {}: {}", ready.reason, ready.message), "bottle logs " + manifest.name, ""});
    }
    return result;
}

ConvergeResult Session::remove(const std::string& bottle, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    if (look_at_removal(bottle).plan.empty()) return {Exit::Ok, {}, 0, {}};
    const FileLock lock(parts_->lock_of(bottle), options.timeout);
    auto world = parts_->world(bottle);
    return converge(bottle, parts_->removal_scope(bottle), removal_planner(bottle), world, world, clock, progress, options);
}

}  // namespace bottle
