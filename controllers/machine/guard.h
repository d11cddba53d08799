#pragma once

#include "controllers/process/process_runner.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace bottle {

/// A process of ours, in a session of its own, that starts the machine and watches us until the boot is proved. When we die before that, or
/// its bound passes, it kills everything that it started and every VMM of the VM folder, and goes on looking until none can appear any more.
/// All that smolvm leaves behind becomes its child (PR_SET_CHILD_SUBREAPER), so nothing can slip away between two looks.
class Guard {
public:
    /// Starts `argv` under a guard. `bound`: how long the boot may stay unproved at most. Throws Error{Exit::Failed} when it cannot be made.
    static std::unique_ptr<Guard> start(const std::vector<std::string>& argv, const std::vector<std::string>& environment, const std::string& vm_folder,
                                        std::chrono::milliseconds deadline, std::chrono::milliseconds bound);
    /// Not released: everything it guards is killed, and that is waited for.
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    /// How the start command ended. NotStarted when the guard itself died.
    ProcessResult wait_started();
    /// The boot is proved and recorded: the machine may outlive us. False when the guard had died: then nobody guarded it to the end.
    bool release();

private:
    Guard(int control, int report, std::int64_t pid) : control_(control), report_(report), pid_(pid) {}

    int control_;
    int report_;
    std::int64_t pid_;
};

/// The guard's own program (`bottle __guard`): descriptors 3 (what to do, and our life) and 4 (its report). Returns its exit code.
int guard_main(int argc, char** argv);

}  // namespace bottle
