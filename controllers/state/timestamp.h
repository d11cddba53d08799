#pragma once

#include <string>

namespace bottle {

/// The time now, RFC 3339 in UTC with seconds.
std::string timestamp();

}  // namespace bottle
