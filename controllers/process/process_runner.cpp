#include "controllers/process/process_runner.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
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
using std::chrono::milliseconds;

/// A killed process that the kernel holds in an uninterruptible wait is left to init after this time.
constexpr milliseconds kReapPatience{5'000};
/// An exit code that no program can have: somebody else in our process collected it.
constexpr int kCodeLost = -1;

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const { return fd_; }
    bool open() const { return fd_ >= 0; }
    void reset(int fd = -1) {
        if (fd_ >= 0) close(fd_);
        fd_ = fd;
    }

private:
    int fd_;
};

struct Pipe {
    Descriptor read;
    Descriptor write;

    /// 0 or errno. Both ends lie above 2: where our own standard streams are closed, dup2 in the child would else overwrite one end with another.
    int make() {
        std::array<int, 2> ends{-1, -1};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
        const Descriptor low_read(ends[0]);
        const Descriptor low_write(ends[1]);
        read.reset(fcntl(ends[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        write.reset(fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        return read.open() && write.open() ? 0 : errno;
    }
};

/// A program that closes its input early must not end bottle: the write's error says enough.
class SigpipeBlocked {
public:
    SigpipeBlocked() {
        sigemptyset(&only_);
        sigaddset(&only_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &only_, &before_);
    }
    ~SigpipeBlocked() {
        const timespec at_once{0, 0};
        if (!was_pending_) {
            while (sigtimedwait(&only_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    SigpipeBlocked(const SigpipeBlocked&) = delete;
    SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

private:
    sigset_t only_{};
    sigset_t before_{};
    bool was_pending_ = false;
};

milliseconds left_until(Clock::time_point end) {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(end - Clock::now()));
}

/// True when one of the descriptors is ready; false when the time is up, or poll itself fails (which counts as that).
template <std::size_t N>
bool wait_ready(std::array<pollfd, N>& wait, Clock::time_point end) {
    constexpr milliseconds kLongest{60'000};
    for (;;) {
        const auto left = left_until(end);
        const int ready = poll(wait.data(), wait.size(), static_cast<int>(std::min(left, kLongest).count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
        if (left.count() == 0) return false;
    }
}

bool wait_readable(int fd, Clock::time_point end) {
    std::array<pollfd, 1> wait = {pollfd{fd, POLLIN, 0}};
    return wait_ready(wait, end);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

/// What exec would silently cut short or look for elsewhere.
bool sound(const ProcessRequest& request) {
    const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
    if (request.argv.empty() || request.argv.front().empty() || request.argv.front().front() != '/' || has_nul(request.working_folder)) return false;
    return std::none_of(request.argv.begin(), request.argv.end(), has_nul) && std::none_of(request.environment.begin(), request.environment.end(), has_nul);
}

/// Everything that the child needs, made before the fork.
struct Birth {
    char* const* argv;
    char* const* environment;
    const char* folder;
    int in;
    int out;
    int err;
    int failure;
    pid_t parent;
};

/// Between fork and exec only async-signal-safe calls are allowed: other threads may hold any lock.
[[noreturn]] void become(const Birth& birth) {
    setpgid(0, 0);
    // Tied to the thread that forked; ours waits for the program in that very thread. If bottle died before this line, nobody sends the signal.
    const bool tied = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (getppid() != birth.parent) _exit(127);
    // An ignored signal would stay ignored through exec.
    for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    // Libraries open descriptors without O_CLOEXEC; none of them is the program's business. `failure` has to live until exec.
    if (tied && dup2(birth.in, STDIN_FILENO) == STDIN_FILENO && dup2(birth.out, STDOUT_FILENO) == STDOUT_FILENO && dup2(birth.err, STDERR_FILENO) == STDERR_FILENO &&
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0 && chdir(birth.folder) == 0) {
        execve(birth.argv[0], birth.argv, birth.environment);
    }
    const int error = errno;
    [[maybe_unused]] const auto written = write(birth.failure, &error, sizeof error);
    _exit(127);
}

constexpr std::size_t kChunk = 16384;

/// Moves bytes between the program and us until it ends, or the deadline or the cap is reached.
class Conversation {
public:
    Conversation(const ProcessRequest& request, Descriptor& in, Descriptor& out, Descriptor& err, Clock::time_point end, ProcessResult& result)
        : request_(request), in_(in), out_(out), err_(err), end_(end), result_(result) {
        for (const int fd : {in_.get(), out_.get(), err_.get()}) fcntl(fd, F_SETFL, O_NONBLOCK);
        if (request_.input.empty()) in_.reset();
        // A text that grows leaves what it held behind.
        if (request_.secret) {
            result_.out.reserve(request_.output_cap + kChunk);
            result_.err.reserve(request_.output_cap + kChunk);
        }
    }

    /// False when the program has to be killed; `result.end` says why. `exited` is its pidfd. Its end counts, not that of its outputs:
    /// a process that it left behind may hold them open for ever.
    bool run(int exited) {
        for (;;) {
            std::array<pollfd, 4> wait = {pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}, pollfd{in_.get(), POLLOUT, 0}, pollfd{exited, POLLIN, 0}};
            if (!wait_ready(wait, end_)) return stop(ProcessResult::End::TimedOut);
            if (wait[2].revents != 0) feed();
            // What it wrote before its end lies in the pipes by now.
            const bool last = wait[3].revents != 0;
            if ((last || wait[0].revents != 0) && !take(out_, result_.out, last)) return stop(ProcessResult::End::TooMuchOutput);
            if ((last || wait[1].revents != 0) && !take(err_, result_.err, last)) return stop(ProcessResult::End::TooMuchOutput);
            if (last) return true;
        }
    }

private:
    bool stop(ProcessResult::End end) {
        result_.end = end;
        return false;
    }

    void feed() {
        const auto written = write(in_.get(), request_.input.data() + fed_, request_.input.size() - fed_);
        if (written > 0) fed_ += static_cast<std::size_t>(written);
        const bool broken = written < 0 && errno != EAGAIN && errno != EINTR;
        if (broken || fed_ == request_.input.size()) in_.reset();
    }

    /// One read, or all that is there; false beyond the cap.
    bool take(Descriptor& from, std::string& to, bool all) {
        std::array<char, kChunk> buffer;
        while (from.open()) {
            const auto count = read(from.get(), buffer.data(), buffer.size());
            if (count > 0) {
                to.append(buffer.data(), static_cast<std::size_t>(count));
                if (request_.secret) explicit_bzero(buffer.data(), static_cast<std::size_t>(count));
                if (to.size() > request_.output_cap) {
                    to.resize(request_.output_cap);
                    return false;
                }
            } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
                from.reset();
            } else if (errno == EAGAIN) {
                return true;
            }
            if (!all) return true;
        }
        return true;
    }

    const ProcessRequest& request_;
    Descriptor& in_;
    Descriptor& out_;
    Descriptor& err_;
    Clock::time_point end_;
    ProcessResult& result_;
    std::size_t fed_ = 0;
};

/// Kills the whole group and collects the program. Its pid is still its own: it has not been waited for.
void put_down(pid_t pid, int exited) {
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    wait_readable(exited, Clock::now() + kReapPatience);
    waitpid(pid, nullptr, WNOHANG);
}

ProcessResult not_started(int error) {
    ProcessResult result;
    result.code = error;
    return result;
}

/// Where SIGCHLD is ignored (inherited through exec), the kernel throws exit codes away.
void want_exit_codes() {
    struct sigaction now {};
    if (sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
}

}  // namespace

ProcessResult SystemProcessRunner::run(const ProcessRequest& request) {
    if (!sound(request)) return not_started(EINVAL);
    Pipe in;
    Pipe out;
    Pipe err;
    Pipe failure;
    for (auto* pipe : {&in, &out, &err, &failure}) {
        if (const int error = pipe->make()) return not_started(error);
    }
    want_exit_codes();
    const SigpipeBlocked no_sigpipe;
    const auto end = Clock::now() + request.deadline;
    const auto argv = pointers(request.argv);
    const auto environment = pointers(request.environment);
    const Birth birth{argv.data(), environment.data(), request.working_folder.c_str(), in.read.get(), out.write.get(), err.write.get(), failure.write.get(), getpid()};
    const pid_t pid = fork();
    if (pid == 0) become(birth);
    if (pid < 0) return not_started(errno);
    setpgid(pid, pid);
    for (auto* theirs : {&in.read, &out.write, &err.write, &failure.write}) theirs->reset();

    const Descriptor exited(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!exited.open()) {
        const int error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        return not_started(error);
    }
    ProcessResult result;
    int error = 0;
    if (!wait_readable(failure.read.get(), end)) {
        put_down(pid, exited.get());
        result.end = ProcessResult::End::TimedOut;
        return result;
    }
    if (read(failure.read.get(), &error, sizeof error) == sizeof error) {
        put_down(pid, exited.get());
        return not_started(error);
    }
    Conversation conversation(request, in.write, out.read, err.read, end, result);
    if (!conversation.run(exited.get())) {
        put_down(pid, exited.get());
        return result;
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) {
        result.end = ProcessResult::End::Exited;
        result.code = kCodeLost;
        return result;
    }
    result.end = WIFEXITED(status) ? ProcessResult::End::Exited : ProcessResult::End::Signaled;
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    return result;
}

std::string describe(const ProcessResult& result) {
    switch (result.end) {
        case ProcessResult::End::Exited:
            return result.code == kCodeLost ? "ended, and its exit code was lost" : fmt::format("exited with {}", result.code);
        case ProcessResult::End::Signaled: return fmt::format("was killed by signal {}", result.code);
        case ProcessResult::End::TimedOut: return "did not end in time and was killed";
        case ProcessResult::End::TooMuchOutput: return "wrote more than it may and was killed";
        case ProcessResult::End::NotStarted: return fmt::format("could not be started: {}", std::strerror(result.code));
    }
    return "?";
}

}  // namespace bottle
