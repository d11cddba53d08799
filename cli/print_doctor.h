#pragma once

#include "cli/screen.h"
#include "controllers/host/doctor.h"

#include <string>
#include <vector>

namespace bottle {

/// One line a fact, and beneath it what to type, where there is something to do.
std::string doctor_text(const std::vector<HostCheck>& checks, const Screen& screen);
/// Format "bottle.doctor/v1".
std::string doctor_json(const std::vector<HostCheck>& checks);

}  // namespace bottle
