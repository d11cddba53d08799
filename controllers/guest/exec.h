#pragma once

#include "controllers/guest/invocation.h"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bottle {

/// A command in the guest that has our own standard streams.
struct ForegroundCommand {
    std::vector<std::string> command;
    std::string user;                        ///< empty: root
    std::map<std::string, std::string> env;  ///< the command's variables
    bool standard_input = false;             ///< it reads ours; else it reads nothing
    bool terminal = false;                   ///< it has a terminal of its own, of the size of ours
};

/// What is done while the command runs.
struct Attendance {
    std::function<void()> look;             ///< called every `every`; none: nothing is
    std::chrono::milliseconds every{5'000};
    /// After a SIGTERM or SIGHUP the command's client has so long, then it is killed, and the command in the guest with it; none: for ever. A second such
    /// signal ends it at once.
    std::chrono::milliseconds grace{0};
};

/// Runs a command in the guest in the foreground, until it ends. SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH that others send us are passed on to
/// smolvm's client; those that a terminal sends reach it by themselves. The settings of our terminal are afterwards as they were.
/// Should we be killed, the client is killed too, and the command in the guest ends with it.
/// Returns the command's exit code; 128 + the signal that ended smolvm's client; 127 when that could not be started.
int exec_in_guest(const SmolvmInvocation& smolvm, const ForegroundCommand& command, const Attendance& attendance = {});

}  // namespace bottle
