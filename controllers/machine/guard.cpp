#include "controllers/machine/guard.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChannel = 3;
constexpr std::chrono::seconds kPatience{30};
/// Both outputs of smolvm at their cap of 1 MiB, every byte of them escaped.
constexpr std::size_t kMaxReport = 16 << 20;

/// A socket, not a pipe: writing to a guard that died must not end us by SIGPIPE.
bool send_all(int fd, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

bool wait_readable(int fd, Clock::time_point end) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        pollfd wait{fd, POLLIN, 0};
        const int ready = poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready >= 0 || errno != EINTR) return ready == 1;
    }
}

/// In the child of a possibly threaded process: async-signal-safe calls only.
[[noreturn]] void become_guard(int channel) {
    setsid();
    // Out of the way first: it may be below 3 where our own standard descriptors are closed.
    const int high = fcntl(channel, F_DUPFD, 10);
    const int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < kChannel; ++fd) dup2(null, fd);
    if (high < 0 || null < 0 || dup2(high, kChannel) != kChannel) _exit(127);
    close_range(kChannel + 1, ~0U, 0);
    char program[] = "/proc/self/exe";
    char verb[] = "__guard";
    std::array<char*, 3> argv = {program, verb, nullptr};
    std::array<char*, 1> environment = {nullptr};
    execve(program, argv.data(), environment.data());
    _exit(127);
}

ProcessResult no_report(ProcessResult::End end, int code, const char* why) {
    return {end, code, "", why};
}

ProcessResult read_report(const std::string& line) {
    const auto report = nlohmann::json::parse(line, nullptr, false);
    try {
        const auto end = report.at("end").get<int>();
        if (end < static_cast<int>(ProcessResult::End::Exited) || end > static_cast<int>(ProcessResult::End::NotStarted)) {
            return no_report(ProcessResult::End::NotStarted, EPROTO, "the guard's report makes no sense");
        }
        return {static_cast<ProcessResult::End>(end), report.at("code").get<int>(), report.at("out").get<std::string>(), report.at("err").get<std::string>()};
    } catch (const nlohmann::json::exception&) {
        return no_report(ProcessResult::End::NotStarted, EPROTO, "the guard's report cannot be read");
    }
}

}  // namespace

std::unique_ptr<Guard> Guard::start(const std::vector<std::string>& argv, const std::vector<std::string>& environment, const std::string& vm_folder,
                                    std::chrono::milliseconds deadline, std::chrono::milliseconds bound) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw Error(Exit::Failed, "no channel for the guard");
    const pid_t pid = fork();
    if (pid == 0) become_guard(ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        throw Error(Exit::Failed, fmt::format("the guard cannot be started: {}", std::strerror(errno)));
    }
    std::unique_ptr<Guard> guard(new Guard(ends[0], pid, deadline));
    const nlohmann::json request = {{"argv", argv}, {"environment", environment}, {"vmFolder", vm_folder}, {"deadlineMs", deadline.count()}, {"boundMs", bound.count()}};
    if (!send_all(guard->channel_, request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n")) throw Error(Exit::Failed, "the guard ended at once");
    return guard;
}

ProcessResult Guard::wait_started() {
    // The guard itself ends a command that is late: its word for that is awaited.
    const auto end = Clock::now() + deadline_ + kPatience;
    std::string text;
    std::array<char, 65536> buffer;
    while (text.find('\n') == std::string::npos && text.size() < kMaxReport) {
        if (channel_ < 0 || !wait_readable(channel_, end)) return no_report(ProcessResult::End::TimedOut, 0, "the guard does not answer");
        const auto count = recv(channel_, buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return no_report(ProcessResult::End::NotStarted, ECHILD, "the guard died");
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return read_report(text);
}

bool Guard::wait_ended(std::chrono::milliseconds patience, int& status) {
    // Not waited for yet, so the pid is still the guard's.
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid_), 0));
    const bool ended = fd >= 0 && wait_readable(fd, Clock::now() + patience);
    if (fd >= 0) close(fd);
    return ended && waitpid(static_cast<pid_t>(pid_), &status, WNOHANG) == pid_;
}

bool Guard::release() {
    if (channel_ < 0) return false;
    const bool told = send_all(channel_, "proved\n");
    int status = 0;
    const bool ended = wait_ended(kPatience, status);
    close(channel_);
    channel_ = -1;
    return told && ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool Guard::kill_now(std::chrono::milliseconds patience) {
    if (channel_ >= 0) close(channel_);
    channel_ = -1;
    int status = 0;
    return wait_ended(patience, status) && WIFEXITED(status);
}

Guard::~Guard() {
    if (channel_ >= 0) kill_now(kPatience);
}

}  // namespace bottle
