#include "controllers/process/proc_table.h"

#include "controllers/process/proc_file.h"

#include <fmt/format.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace bottle {
namespace {

Observation<std::uint64_t> start_time_of(std::int64_t pid) {
    constexpr std::size_t kStartTime = 22 - 3;
    const auto fields = stat_fields(pid);
    if (fields.absent()) return Absent{};
    if (fields.unknown()) return Unknown{fields.why()};
    if (fields->size() <= kStartTime) return Unknown{fmt::format("/proc/{}/stat makes no sense", pid)};
    return std::uint64_t{std::strtoull((*fields)[kStartTime].c_str(), nullptr, 10)};
}

/// A pidfd becomes readable when the process, all of its threads, is dead.
bool wait_dead(int pidfd, std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd wait{pidfd, POLLIN, 0};
        const int ready = poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready >= 0 || errno != EINTR) return ready == 1 && (wait.revents & POLLIN) != 0;
    }
}

}  // namespace

std::optional<std::uint64_t> process_start_time(std::int64_t pid) {
    const auto start = start_time_of(pid);
    if (!start.present()) return std::nullopt;
    return *start;
}

Observation<std::vector<std::int64_t>> all_processes() {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
    if (!folder) return Unknown{fmt::format("/proc: {}", std::strerror(errno))};
    std::vector<std::int64_t> pids;
    errno = 0;
    while (const auto* entry = readdir(folder.get())) {
        const std::string name = entry->d_name;
        if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoll(name));
        errno = 0;
    }
    if (errno != 0) return Unknown{fmt::format("/proc: {}", std::strerror(errno))};
    // We are in it ourselves: a list without us is not the list of this host's processes.
    if (std::find(pids.begin(), pids.end(), getpid()) == pids.end()) return Unknown{"/proc does not show our own process"};
    return pids;
}

bool kill_and_confirm(std::int64_t pid, std::uint64_t start_time, std::chrono::milliseconds deadline) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
    if (fd < 0) return errno == ESRCH;
    // The pidfd holds the process; only now can its start time be compared without a race.
    const auto now = start_time_of(pid);
    bool dead = now.absent() || (now.present() && *now != start_time);
    if (now.present() && *now == start_time) {
        syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0);
        dead = wait_dead(fd, deadline);
    }
    close(fd);
    return dead;
}

bool signal_process(std::int64_t pid, std::uint64_t start_time, int signal) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
    if (fd < 0) return false;
    const bool sent = process_start_time(pid) == start_time && syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) == 0;
    close(fd);
    return sent;
}

bool descends_from(std::int64_t pid, std::int64_t ancestor) {
    constexpr int kMaxDepth = 64;
    for (int depth = 0; depth < kMaxDepth && pid > 1; ++depth) {
        const auto fields = stat_fields(pid);
        if (!fields.present() || fields->size() < 2) return false;
        pid = std::strtoll((*fields)[1].c_str(), nullptr, 10);
        if (pid == ancestor) return true;
    }
    return false;
}

std::vector<std::int64_t> children_of(std::int64_t parent) {
    std::vector<std::int64_t> children;
    const auto pids = all_processes();
    if (!pids.present()) return children;
    for (const auto pid : *pids) {
        const auto fields = stat_fields(pid);
        if (fields.present() && fields->size() > 1 && (*fields)[1] == std::to_string(parent)) children.push_back(pid);
    }
    return children;
}

}  // namespace bottle
