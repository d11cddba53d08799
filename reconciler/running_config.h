#pragma once

#include "reconciler/resources.h"
#include "reconciler/row.h"

#include <string>
#include <vector>

namespace bottle {

/// Compares `agent.config.json`, what the running VMM was started with (1.32.2), with the request: the keys that it has must be equal, and
/// there may be no others. It does not show live changes. The problems' `fix` means nothing here.
std::vector<RowProblem> compare_running_config(const std::string& text, const Machine& desired);

}  // namespace bottle
