#pragma once

#include "cli/options.h"
#include "controllers/guest/exec.h"

namespace bottle {

/// How a command in the guest is joined to our streams, as -i and -t say it, or, without them, as what we were started with is.
/// Throws Error{Exit::Usage} for a -t whose standard input is no terminal.
ForegroundCommand foreground_of(const Options& options);

}  // namespace bottle
