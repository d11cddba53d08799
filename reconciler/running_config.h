#pragma once

#include "reconciler/resources.h"
#include "reconciler/row.h"
#include "reconciler/smolvm_build.h"

#include <string>
#include <vector>

namespace bottle {

/// Compares `agent.config.json`, what the running VMM was started with, with the request: it must have exactly the keys that were measured of this smolvm, for a machine
/// on TSI those of 0.8.0 to 1.1.2 (source), each with the requested value. It does not show live changes. The problems' `fix` means nothing here.
std::vector<RowProblem> compare_running_config(const std::string& text, const Machine& desired, const SmolvmBuild& smolvm);

}  // namespace bottle
