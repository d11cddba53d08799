#pragma once

#include "controllers/guest/invocation.h"

#include <map>
#include <string>
#include <vector>

namespace bottle {

/// Runs a command in the guest in the foreground: our standard streams are its own, and with `terminal` it gets a
/// terminal and reads from ours. SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH that reach us are passed on.
/// `env`: the command's variables. `user`: empty for root.
/// Returns the command's exit code; 128 + the signal that ended smolvm's client; 127 when that could not be started.
int exec_in_guest(const SmolvmInvocation& smolvm, const std::string& user, const std::map<std::string, std::string>& env,
                  const std::vector<std::string>& command, bool terminal);

}  // namespace bottle
