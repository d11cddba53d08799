#include "reconciler/plan.h"

#include "reconciler/plan_docker.h"
#include "reconciler/plan_machine.h"
#include "reconciler/proof.h"
#include "reconciler/secrets.h"

#include <fmt/format.h>

namespace bottle {
namespace {

/// What could not be seen: each blocks every step but a stop.
void refuse_unknowns(const Desired& desired, const Snapshot& snapshot, PlanBuilder& builder) {
    const auto unknown = [&](const char* what, const auto& observation) {
        if (observation.unknown()) builder.refuse(fmt::format("{} could not be read: {}", what, observation.why()));
    };
    unknown("Docker", snapshot.docker);
    unknown("bottle's own state", snapshot.stored);
    unknown("smolvm's database", snapshot.machine.row);
    unknown("the VM folder", snapshot.machine.vm_folder);
    unknown("the claim of the VMM's uid", snapshot.machine.uid_claim);
    unknown("the list of processes", snapshot.machine.processes);
    unknown("the VM folder's lock", snapshot.machine.lock_held);
    unknown("the workload's state", snapshot.workload);
    if (desired.machine.tsi) unknown("the list of listeners", snapshot.listeners);
    if (desired.socket_folder) unknown("the folder of the mounted socket", snapshot.socket_place);
}

/// What somebody else holds, too: nothing is built on it.
void refuse_shared(const std::vector<Change>& changes, PlanBuilder& builder) {
    for (const auto& change : changes) {
        if (change.what == Change::What::Shared) builder.refuse(in_words(change), change.hint);
    }
}

}  // namespace

Plan plan_apply(const Desired& desired, const Snapshot& snapshot, const PlanOptions& options) {
    PlanBuilder builder(desired.name, desired.place);
    refuse_unknowns(desired, snapshot, builder);
    for (const auto& problem : desired.not_allowed) builder.refuse(problem);
    for (const auto& problem : desired.problems) builder.refuse(problem);
    const auto changes = diff_host(desired, snapshot);

    const auto life = life_of(snapshot.machine);
    std::string stop_cause;
    if (life != Life::Dead) stop_cause = reason_to_stop(desired, snapshot, changes, options);
    if (!stop_cause.empty()) {
        const bool agent_works = snapshot.workload.present() && std::holds_alternative<WorkloadRunning>(snapshot.workload->state);
        builder.stop_first(desired.machine.name, stop_cause, agent_works ? Cost::Restart : Cost::Nothing);
    }
    refuse_shared(changes, builder);
    if (snapshot.docker.present()) plan_docker(desired, *snapshot.docker, snapshot.socket_place, changes, options, builder);
    const bool readable = snapshot.stored.present() && !snapshot.machine.row.unknown() && snapshot.machine.processes.present();
    if (snapshot.stored.present()) plan_secrets(desired, *snapshot.stored, builder);
    if (readable) plan_machine(desired, snapshot, options, life != Life::Dead && stop_cause.empty(), builder);
    auto plan = std::move(builder).finish();
    if (!desired.not_allowed.empty()) plan.refused = Exit::Usage;
    return plan;
}

}  // namespace bottle
