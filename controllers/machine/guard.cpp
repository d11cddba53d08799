#include "controllers/machine/guard.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

constexpr int kControl = 3;
constexpr int kReport = 4;

bool write_all(int fd, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = write(fd, text.data() + done, text.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

/// In the child of a possibly threaded process: async-signal-safe calls only.
[[noreturn]] void become_guard(int control, int report) {
    setsid();
    // Out of the way first: either may be 3 or 4 already.
    const int high_control = fcntl(control, F_DUPFD, 10);
    const int high_report = fcntl(report, F_DUPFD, 10);
    dup2(high_control, kControl);
    dup2(high_report, kReport);
    const int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
    close_range(kReport + 1, ~0U, 0);
    char program[] = "/proc/self/exe";
    char verb[] = "__guard";
    std::array<char*, 3> argv = {program, verb, nullptr};
    std::array<char*, 1> environment = {nullptr};
    execve(program, argv.data(), environment.data());
    _exit(127);
}

}  // namespace

std::unique_ptr<Guard> Guard::start(const std::vector<std::string>& argv, const std::vector<std::string>& environment, const std::string& vm_folder,
                                    std::chrono::milliseconds deadline, std::chrono::milliseconds bound) {
    std::array<int, 2> control{};
    std::array<int, 2> report{};
    if (pipe2(control.data(), O_CLOEXEC) != 0 || pipe2(report.data(), O_CLOEXEC) != 0) throw Error(Exit::Failed, "no pipe for the guard");
    const pid_t pid = fork();
    if (pid == 0) become_guard(control[0], report[1]);
    close(control[0]);
    close(report[1]);
    if (pid < 0) throw Error(Exit::Failed, fmt::format("the guard cannot be started: {}", std::strerror(errno)));
    std::unique_ptr<Guard> guard(new Guard(control[1], report[0], pid));
    const nlohmann::json request = {{"argv", argv}, {"environment", environment}, {"vmFolder", vm_folder}, {"deadlineMs", deadline.count()}, {"boundMs", bound.count()}};
    if (!write_all(guard->control_, request.dump() + "\n")) throw Error(Exit::Failed, "the guard ended at once");
    return guard;
}

ProcessResult Guard::wait_started() {
    std::string text;
    std::array<char, 65536> buffer;
    while (text.find('\n') == std::string::npos) {
        const auto count = read(report_, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return {ProcessResult::End::NotStarted, ECHILD, "", "the guard died"};
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    const auto report = nlohmann::json::parse(text, nullptr, false);
    if (!report.is_object()) return {ProcessResult::End::NotStarted, EPROTO, "", "the guard's report cannot be read"};
    return {static_cast<ProcessResult::End>(report.value("end", 4)), report.value("code", 0), report.value("out", std::string()), report.value("err", std::string())};
}

bool Guard::release() {
    if (control_ < 0) return false;
    const bool told = write_all(control_, "proved\n");
    int status = 0;
    while (waitpid(static_cast<pid_t>(pid_), &status, 0) < 0 && errno == EINTR) {
    }
    close(control_);
    control_ = -1;
    return told && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Guard::~Guard() {
    if (control_ >= 0) {
        close(control_);
        int status = 0;
        while (waitpid(static_cast<pid_t>(pid_), &status, 0) < 0 && errno == EINTR) {
        }
    }
    close(report_);
}

}  // namespace bottle
