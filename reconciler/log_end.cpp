#include "reconciler/log_end.h"

#include "reconciler/desired.h"
#include "reconciler/proof.h"

namespace bottle {
namespace {

bool workload_has_ended(const Snapshot& snapshot) {
    if (snapshot.workload.unknown()) return false;
    return snapshot.workload.absent() || !std::holds_alternative<WorkloadRunning>(snapshot.workload->state);
}

bool container_has_ended(const std::string& name, const Snapshot& snapshot) {
    if (!snapshot.docker.present()) return false;
    const auto* found = find_container(*snapshot.docker, name);
    return found == nullptr || (found->status != "running" && found->status != "paused" && found->status != "restarting");
}

}  // namespace

bool log_has_ended(const std::string& part, const std::string& bottle, const Snapshot& snapshot) {
    if (part.empty()) return workload_has_ended(snapshot);
    if (part == "machine") return life_of(snapshot.machine) == Life::Dead;
    return container_has_ended(container_name(bottle, part), snapshot);
}

}  // namespace bottle
