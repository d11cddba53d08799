#pragma once

#include "controllers/machine/machine_paths.h"
#include "reconciler/observation.h"

#include <cstdint>

namespace bottle {

/// The uid whose file in smolvm's registry of uids names our machine. Absent: none does. Unknown: a file cannot be read, or several do.
Observation<std::int64_t> uid_claim(const MachinePaths& paths);

}  // namespace bottle
