#pragma once

#include "reconciler/resources.h"
#include "reconciler/row.h"

#include <string>
#include <vector>

namespace bottle {

/// Compares `agent.config.json`, what the running VMM was started with (1.32.2), with the request: it must have exactly the measured keys, each
/// with the requested value. It does not show live changes. The problems' `fix` means nothing here.
std::vector<RowProblem> compare_running_config(const std::string& text, const Machine& desired);

}  // namespace bottle
