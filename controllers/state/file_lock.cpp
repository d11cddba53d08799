#include "controllers/state/file_lock.h"

#include "controllers/state/private_file.h"
#include "controllers/state/timestamp.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace bottle {
namespace {

std::string holder(const std::string& path) {
    const auto text = read_private_file(path);
    return text && !text->empty() ? printable(*text) : "another process";
}

/// Our program and its first argument; the others may be anything.
std::string our_command() {
    std::ifstream arguments("/proc/self/cmdline");
    std::string program;
    std::string verb;
    std::getline(arguments, program, '\0');
    std::getline(arguments, verb, '\0');
    return verb.empty() ? program : program + " " + verb;
}

/// "process 4711 (bottle apply) since 2026-01-02T03:04:05Z"
std::string who_we_are() {
    return fmt::format("process {} ({}) since {}", getpid(), our_command(), timestamp());
}

}  // namespace

FileLock::FileLock(const std::string& path, std::chrono::milliseconds deadline) {
    make_private_folder(std::filesystem::path(path).parent_path());
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd_ < 0) throw Error(Exit::Failed, fmt::format("cannot make the lock {}: {}", path, std::strerror(errno)));
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            const int error = errno;
            close(fd_);
            throw Error(Exit::Failed, fmt::format("cannot lock {}: {}", path, std::strerror(error)));
        }
        if (std::chrono::steady_clock::now() >= end) {
            close(fd_);
            throw Error(Exit::Timeout, fmt::format("{} is held by {}", path, holder(path)), "wait for it to end, or give more --timeout");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    // For the message of whoever waits; the lock itself does not hang on it.
    const auto text = who_we_are();
    [[maybe_unused]] const auto cut = ftruncate(fd_, 0);
    [[maybe_unused]] const auto written = pwrite(fd_, text.data(), text.size(), 0);
}

FileLock::~FileLock() {
    close(fd_);
}

}  // namespace bottle
