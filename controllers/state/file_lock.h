#pragma once

#include <chrono>
#include <string>

namespace bottle {

/// An exclusive lock between processes and threads: flock(2) on a file of its own, which is never removed. The lock of a dead process is free.
class FileLock {
public:
    /// Waits up to `deadline`. Throws Error{Exit::Timeout} that names who holds it (process, command, since when),
    /// Error{Exit::Failed} when the file cannot be made or is a link.
    FileLock(const std::string& path, std::chrono::milliseconds deadline);
    ~FileLock();
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

private:
    int fd_ = -1;
};

}  // namespace bottle
