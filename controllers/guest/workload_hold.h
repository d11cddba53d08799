#pragma once

#include "controllers/guest/guest_files.h"
#include "controllers/guest/workload_record.h"

#include <string>

namespace bottle {

/// This process holds a bottle's workload: a lock that the kernel lets go of however the process ends, and the record beside it.
class WorkloadHold {
public:
    /// Takes the lock in the bottle's state folder and writes the record, with our own process in it. Returns why not; empty: it is held.
    std::string take(const std::string& state_folder, const WorkloadRecord& record);
    /// Writes how the command ended. The lock is held until this goes. Returns why not.
    std::string ended(int exit_code);

private:
    std::string folder_;
    WorkloadRecord record_;
    Fd lock_;
};

}  // namespace bottle
