#include "controllers/guest/exec.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

namespace bottle {
namespace {

constexpr std::initializer_list<int> kPassed{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> made;
    made.reserve(texts.size() + 1);
    for (const std::string& text : texts) made.push_back(const_cast<char*>(text.c_str()));
    made.push_back(nullptr);
    return made;
}

/// Waits for the child; passes on what others send us. The terminal's own signals (kernel-made) reach the child by
/// itself, as it is in our process group.
int wait_and_pass_on(pid_t child, const sigset_t& signals) {
    for (;;) {
        int status = 0;
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (ended < 0 && errno != EINTR) return 127;
        siginfo_t info = {};
        // SIGCHLD is among them, blocked since before the fork: an end between the two calls is not missed.
        int number = sigwaitinfo(&signals, &info);
        if (number > 0 && number != SIGCHLD && info.si_code <= 0) kill(child, number);
    }
}

}  // namespace

int exec_in_guest(const SmolvmInvocation& smolvm, const std::string& user, const std::map<std::string, std::string>& env,
                  const std::vector<std::string>& command, bool terminal) {
    ExecOptions options;
    options.user = user;
    options.env = env;
    options.standard_input = terminal;
    options.terminal = terminal;
    options.stream = !terminal;
    SmolvmCommand call = exec_command(smolvm, options, command);
    std::vector<char*> argv = pointers(call.argv);
    std::vector<char*> environment = pointers(call.environment);

    sigset_t signals;
    sigset_t before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (int number : kPassed) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    pid_t child = fork();
    if (child == 0) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        execve(argv[0], argv.data(), environment.data());
        _exit(127);
    }
    int code = child < 0 ? 127 : wait_and_pass_on(child, signals);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return code;
}

}  // namespace bottle
