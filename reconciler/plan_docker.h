#pragma once

#include "reconciler/plan_builder.h"

namespace bottle {

/// Networks, volumes and containers: what is removed first, then what is made, infra before those that join it, and before infra the folder of the
/// mounted socket, where there shall be one. Refuses what is not ours to change.
void plan_docker(const Desired& desired, const DockerView& view, const Observation<SocketPlace>& place, const std::vector<Change>& changes,
                 const PlanOptions& options, PlanBuilder& builder);

/// Carrying these changes out takes infra or a network away for a moment: no machine may live meanwhile.
bool needs_machine_stopped(const Desired& desired, const std::vector<Change>& changes);

}  // namespace bottle
