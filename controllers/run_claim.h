#pragma once

#include "controllers/state/file_lock.h"

#include <memory>
#include <string>

namespace bottle {

/// That a bottle belongs to one `bottle run`: a lock for as long as its process lives, and, where the bottle is to go with it, a mark in the bottle's
/// state folder, by which the next run knows what one that was killed has left.
class RunClaim {
public:
    /// `lock`: the lock's file. `folder`: the bottle's state folder; empty for a run that leaves the bottle where it is.
    /// Throws Error{Exit::Failed} where another process has the bottle, or the mark cannot be written.
    RunClaim(const std::string& bottle, const std::string& lock, std::string folder);
    /// Takes the mark away, and the folder where nothing else is in it.
    ~RunClaim();
    RunClaim(RunClaim&&) = default;
    RunClaim(const RunClaim&) = delete;
    RunClaim& operator=(const RunClaim&) = delete;
    RunClaim& operator=(RunClaim&&) = delete;

    /// Whether a run has left its mark in the folder.
    static bool marked(const std::string& folder);
    /// The bottle is to stay from now on.
    static void unmark(const std::string& folder);

private:
    std::unique_ptr<FileLock> lock_;
    std::string folder_;
};

}  // namespace bottle
