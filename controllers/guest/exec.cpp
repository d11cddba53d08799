#include "controllers/guest/exec.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <optional>

namespace bottle {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::initializer_list<int> kPassed{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> made;
    made.reserve(texts.size() + 1);
    for (const std::string& text : texts) made.push_back(const_cast<char*>(text.c_str()));
    made.push_back(nullptr);
    return made;
}

/// A client that is killed leaves the terminal as it had made it: without echo, and every key as it is.
class TerminalSettings {
public:
    TerminalSettings() : read_(tcgetattr(STDIN_FILENO, &settings_) == 0) {}
    ~TerminalSettings() {
        if (read_) tcsetattr(STDIN_FILENO, TCSADRAIN, &settings_);
    }
    TerminalSettings(const TerminalSettings&) = delete;
    TerminalSettings& operator=(const TerminalSettings&) = delete;

private:
    termios settings_{};
    bool read_;
};

/// Waits for the child, and meanwhile passes on what others send us and lets the caller look.
class Waiting {
public:
    Waiting(pid_t child, const sigset_t& signals, const Attendance& attendance) : child_(child), signals_(signals), attendance_(attendance) {}

    int run() {
        for (;;) {
            int status = 0;
            const pid_t ended = waitpid(child_, &status, WNOHANG);
            if (ended == child_) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            if (ended < 0 && errno != EINTR) return 127;
            const auto now = Clock::now();
            if (kill_at_ && now >= *kill_at_) end_it();
            if (attendance_.look && now >= look_at_) {
                attendance_.look();
                look_at_ = Clock::now() + attendance_.every;
                continue;
            }
            take_signal(now);
        }
    }

private:
    /// SIGCHLD is among them, blocked since before the fork: an end between two calls is not missed.
    void take_signal(Clock::time_point now) {
        siginfo_t info = {};
        const auto time = time_left(now);
        const int number = time ? sigtimedwait(&signals_, &info, &*time) : sigwaitinfo(&signals_, &info);
        // A code above 0 is the kernel's: a terminal's signal, which the child got too, as it is in our process group.
        if (number <= 0 || number == SIGCHLD || info.si_code > 0) return;
        kill(child_, number);
        if (attendance_.grace.count() == 0 || (number != SIGTERM && number != SIGHUP)) return;
        if (kill_at_) end_it();
        else kill_at_ = now + attendance_.grace;
    }

    std::optional<timespec> time_left(Clock::time_point now) const {
        std::optional<Clock::time_point> next = kill_at_;
        if (attendance_.look) next = next ? std::min(*next, look_at_) : look_at_;
        if (!next) return std::nullopt;
        const auto left = std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(*next - now));
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        return timespec{seconds.count(), (left - seconds).count()};
    }

    void end_it() {
        kill(child_, SIGKILL);
        kill_at_.reset();
    }

    pid_t child_;
    const sigset_t& signals_;
    const Attendance& attendance_;
    Clock::time_point look_at_ = Clock::now() + attendance_.every;
    std::optional<Clock::time_point> kill_at_;
};

}  // namespace

int exec_in_guest(const SmolvmInvocation& smolvm, const ForegroundCommand& command, const Attendance& attendance) {
    ExecOptions options;
    options.user = command.user;
    options.env = command.env;
    options.standard_input = command.standard_input;
    options.terminal = command.terminal;
    options.ends_input = !command.standard_input && !command.terminal;
    options.stream = !command.terminal;
    SmolvmCommand call = exec_command(smolvm, options, command.command);
    std::vector<char*> argv = pointers(call.argv);
    std::vector<char*> environment = pointers(call.environment);

    sigset_t signals;
    sigset_t before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (int number : kPassed) sigaddset(&signals, number);
    std::optional<TerminalSettings> settings;
    if (command.terminal) settings.emplace();
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    const pid_t self = getpid();
    pid_t child = fork();
    if (child == 0) {
        // The command in the guest ends with smolvm's client (measured on 1.32.2), and that with us, however we end: nothing runs on that nobody attends.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self) _exit(127);
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        execve(argv[0], argv.data(), environment.data());
        _exit(127);
    }
    int code = child < 0 ? 127 : Waiting(child, signals, attendance).run();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return code;
}

}  // namespace bottle
