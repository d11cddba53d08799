#pragma once

#include "controllers/process/process_runner.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bottle {

/// A process of ours, in a session of its own, that starts the machine and watches us until the boot is proved. When we die before that, or
/// its bound passes, it kills everything that it started and every VMM of the VM folder, and goes on looking until none can appear any more.
/// All that smolvm leaves behind becomes its child (PR_SET_CHILD_SUBREAPER), so nothing can slip away between two looks.
class Guard {
public:
    /// Starts `argv` under a guard. `deadline`: for that command. `bound`: how long the boot may stay unproved at most, suspended time included.
    /// Throws Error{Exit::Failed} when the guard cannot be made.
    static std::unique_ptr<Guard> start(const std::vector<std::string>& argv, const std::vector<std::string>& environment, const std::string& vm_folder,
                                        std::chrono::milliseconds deadline, std::chrono::milliseconds bound);
    /// Not released: as kill_now, within half a minute.
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    /// How the start command ended. NotStarted when the guard itself died; TimedOut when it does not answer past the command's deadline.
    ProcessResult wait_started();
    /// The boot is proved and recorded: the machine may outlive us. False when the guard had died: then nobody guarded it to the end.
    bool release();
    /// Has everything that it guards killed. True once nothing of it is left; false after `patience`: the guard still goes on by itself.
    bool kill_now(std::chrono::milliseconds patience);

    std::int64_t pid() const { return pid_; }

private:
    Guard(int channel, std::int64_t pid, std::chrono::milliseconds deadline) : channel_(channel), pid_(pid), deadline_(deadline) {}
    bool wait_ended(std::chrono::milliseconds patience, int& status);

    int channel_;  ///< its life hangs on ours through this one; -1: it was told how it ends
    std::int64_t pid_;
    std::chrono::milliseconds deadline_;
};

/// The guard's own program (`bottle __guard`): descriptor 3 is the channel to its maker. Returns its exit code: 0 for a boot that was proved.
int guard_main(int argc, char** argv);

}  // namespace bottle
