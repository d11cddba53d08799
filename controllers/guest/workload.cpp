#include "controllers/guest/workload.h"

#include "controllers/guest/guest_files.h"
#include "manifests/error.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

constexpr std::int64_t kMaxRecord = 65'536;

/// The request as a file that has no name; -1 when that fails.
Fd request_file(const std::string& text) {
    Fd file(memfd_create("bottle-workload-request", MFD_CLOEXEC));
    if (!file.valid() || !write_all(file.get(), text) || lseek(file.get(), 0, SEEK_SET) != 0) return Fd();
    return file;
}

/// In the child: everything is prepared, and only async-signal-safe calls are made.
[[noreturn]] void become_keeper(int input, int output, char* const* argv, char* const* environment) {
    // A session of its own, and a grandchild: init reaps it, and no terminal's signal reaches it.
    setsid();
    pid_t second = fork();
    if (second != 0) _exit(second < 0 ? 1 : 0);
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bool good = nothing >= 0 && dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
                dup2(nothing, STDERR_FILENO) >= 0;
    // Nothing of ours may live on in it, least of all a lock.
    if (good) close_range(STDERR_FILENO + 1, ~0U, 0);
    if (good) execve(argv[0], argv, environment);
    _exit(127);
}

/// Reads the keeper's one line. Empty when it ended or nothing came in time.
std::string first_line(int fd, std::chrono::milliseconds time) {
    auto end = std::chrono::steady_clock::now() + time;
    std::string text;
    while (text.find('\n') == std::string::npos && text.size() < 4096) {
        auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        pollfd polled{fd, POLLIN, 0};
        if (left <= 0 || poll(&polled, 1, static_cast<int>(left)) <= 0) return {};
        char bytes[512];
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got <= 0) break;
        text.append(bytes, static_cast<std::size_t>(got));
    }
    return text.substr(0, text.find('\n'));
}

bool is_locked(const std::string& path, std::string& problem) {
    OpenedFile file = open_regular(path, O_RDONLY);
    if (file.error == ENOENT) return false;
    if (!file.problem.empty()) {
        problem = file.problem;
        return false;
    }
    // Asked, never taken: a look must not get in the way of a keeper that is just starting.
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(file.fd.get(), F_OFD_GETLK, &lock) != 0)
        problem = fmt::format("cannot look at the lock of {}: {}", path, std::strerror(errno));
    return problem.empty() && lock.l_type != F_UNLCK;
}

}  // namespace

Outcome launch(const LaunchRequest& request) {
    Fd input = request_file(to_text(request.keeper));
    int ends[2] = {-1, -1};
    if (!input.valid() || pipe2(ends, O_CLOEXEC) != 0) {
        return {
            Outcome::Kind::Failed, fmt::format("cannot prepare the workload's keeper: {}", std::strerror(errno)), {}};
    }
    Fd answer(ends[0]);
    Fd report(ends[1]);
    std::string mode = "__keep-workload";
    std::string program = request.program;
    std::string folder = request.state_folder;
    char* argv[] = {program.data(), mode.data(), folder.data(), nullptr};
    char* environment[] = {nullptr};
    pid_t child = fork();
    if (child == 0) become_keeper(input.get(), report.get(), argv, environment);
    if (child < 0)
        return {Outcome::Kind::Failed, fmt::format("cannot start the workload's keeper: {}", std::strerror(errno)), {}};
    report.reset();
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    std::string said = first_line(answer.get(), request.deadline);
    if (said == "started") return {};
    if (said.empty()) said = "it ended, or did not answer, before it had taken over";
    return {Outcome::Kind::Failed, "the workload's keeper: " + printable(said), {}};
}

Observation<ObservedWorkload> observe_workload(const std::string& state_folder) {
    // The lock first: the keeper writes the exit code before it lets go.
    std::string problem;
    bool locked = is_locked(state_folder + "/" + kWorkloadLock, problem);
    if (!problem.empty()) return Unknown{problem};
    OpenedFile file = open_regular(state_folder + "/" + kWorkloadRecord, O_RDONLY);
    if (file.error == ENOENT) return Absent{};
    if (!file.problem.empty()) return Unknown{file.problem};
    std::string text;
    if (!read_from(file.fd.get(), 0, kMaxRecord, text)) return Unknown{"cannot read " + std::string(kWorkloadRecord)};
    std::optional<WorkloadRecord> record = parse_record(text);
    if (!record) return Unknown{fmt::format("{}/{} is not a workload's record", state_folder, kWorkloadRecord)};
    ObservedWorkload workload{record->vmm_pid, record->vmm_start_time, record->spec_digest, WorkloadLost{}, record->secrets};
    if (record->exit_code)
        workload.state = WorkloadExited{*record->exit_code};
    else if (locked)
        workload.state = WorkloadRunning{record->keeper_pid};
    return workload;
}

}  // namespace bottle
