#pragma once

#include "controllers/state/digest.h"

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

// Small file helpers for this folder: files that others may have written, and files of ours that must be whole.
namespace bottle {

/// A file descriptor that closes itself; -1: none.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd();

    int get() const { return fd_; }
    bool valid() const { return fd_ >= 0; }
    void reset() { Fd().swap(*this); }
    void swap(Fd& other) noexcept { std::swap(fd_, other.fd_); }

private:
    int fd_ = -1;
};

struct OpenedFile {
    Fd fd;
    struct stat status = {};
    int error = 0;        ///< errno of open; 0 if it is open, or is no regular file
    std::string problem;  ///< empty: it is open and a regular file
};

/// Opens an existing regular file without following a symlink in the last place, and without waiting for a FIFO.
OpenedFile open_regular(const std::string& path, int flags);

/// Reads up to `cap` bytes from `offset` to the end. False on an error or when there are more.
bool read_from(int fd, std::int64_t offset, std::int64_t cap, std::string& text);

/// Writes a file so that a reader, and a crash at any point, sees the old text or the new one: 0600, temporary name,
/// fsync, rename, fsync of the folder. Returns empty, or what went wrong.
std::string write_whole(const std::string& folder, const std::string& name, std::string_view text);

/// Writes everything to a descriptor; false on an error.
bool write_all(int fd, std::string_view text);

}  // namespace bottle
