#pragma once

#include "reconciler/plan_builder.h"

#include <string>

namespace bottle {

/// Makes the bottle's own copy of its image, where it shall have one, for the next start: it is not there, not as it was made, or not of what the manifest
/// names as that is now. Only while no machine runs on it.
void plan_image(const Desired& desired, const MachineView& machine, PlanBuilder& builder);

/// Why a machine runs on another image than the manifest's, in words; empty: it does not. Never for a folder that changed: that is the next start's, for who
/// works in one would lose the machine with each change.
std::string image_doubt(const Desired& desired, const MachineView& machine);

}  // namespace bottle
