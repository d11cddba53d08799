#pragma once

#include "controllers/guest/workload_record.h"
#include "reconciler/observed.h"
#include "reconciler/world.h"

#include <chrono>
#include <string>

namespace bottle {

struct LaunchRequest {
    std::string state_folder;  ///< of the bottle, ours
    KeeperRequest keeper;
    std::string program = "/proc/self/exe";  ///< what is run as `<program> __keep-workload <state_folder>`
    std::chrono::milliseconds deadline{
        10'000};  ///< until the keeper says that it holds the lock and has written the record
};

/// Starts the keeper in a session of its own, so that it outlives us, and waits until it has taken over. The request
/// goes to it by an inherited descriptor. Done: the record is written and the command is being started.
Outcome launch(const LaunchRequest& request);

/// How the workload of a bottle is, from files alone. Absent: none was ever launched. Unknown: the files make no sense
/// or cannot be read. Whether it belongs to the running machine is for the caller to compare.
Observation<ObservedWorkload> observe_workload(const std::string& state_folder);

/// The keeper: `argv` is {program, "__keep-workload", state_folder}, the request comes on standard input. Takes the
/// lock, writes the record, says "started" on standard output, runs the command with its output going to workload.log
/// (8 MiB, then once more as workload.log.1), and writes the exit code. Returns the exit code of the keeper itself.
int keep_workload_main(int argc, char** argv);

}  // namespace bottle
