#pragma once

#include "manifests/error.h"

#include <nlohmann/json_fwd.hpp>

namespace bottle {

/// text, hint and place ("file:line:column" or null), as every format has them (docs/output.md).
nlohmann::json problem_json(const Problem& problem);

}  // namespace bottle
