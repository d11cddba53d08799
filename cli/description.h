#pragma once

#include "cli/options.h"
#include "cli/print_describe.h"
#include "controllers/session.h"

namespace bottle {

/// One look at the bottle that is named, and all that its records tell. Throws Error{Exit::Usage} where our records do not know it.
Description describe_bottle(const Options& options, Session& session, const Records& records);

}  // namespace bottle
