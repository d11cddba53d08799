#pragma once

#include "reconciler/observation.h"

#include <cstdint>
#include <string>
#include <vector>

// Text files of /proc, for the controllers.
namespace bottle {

/// The whole file, up to 16 MiB. Absent: it is not there, or the process it belongs to is gone. Unknown: it cannot be read, or is larger:
/// a part of it is not an answer.
Observation<std::string> read_kernel_text(const std::string& path);

/// "/proc/PID/FILE".
Observation<std::string> read_proc(std::int64_t pid, const char* file);

/// The fields of /proc/PID/stat after the name, which may itself hold spaces and brackets; [0] is field 3, the state.
Observation<std::vector<std::string>> stat_fields(std::int64_t pid);

/// A zombie runs nothing any more. A process that cannot be read counts as alive.
bool alive(std::int64_t pid);

/// Parts between separators; no empty one for a separator at the end.
std::vector<std::string> split(const std::string& text, char separator);

}  // namespace bottle
