#include "controllers/guest/workload.h"

#include "controllers/guest/guest_files.h"
#include "controllers/guest/workload_hold.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

namespace bottle {
namespace {

constexpr std::int64_t kMaxRequest = 4 << 20;
constexpr std::int64_t kMaxLog = 8 << 20;

/// The output so far, with a bound: when it is full it becomes workload.log.1, once more and again.
class WorkloadLog {
public:
    explicit WorkloadLog(const std::string& folder) : path_(folder + "/" + kWorkloadLog) { open_log(O_APPEND); }

    void add(std::string_view text) {
        if (size_ + static_cast<std::int64_t>(text.size()) > kMaxLog) {
            rename(path_.c_str(), (path_ + ".1").c_str());
            open_log(O_TRUNC);
        }
        // A full disk must not end the workload: what does not fit is lost.
        if (file_.valid() && write_all(file_.get(), text)) size_ += static_cast<std::int64_t>(text.size());
    }

private:
    void open_log(int flag) {
        file_ = Fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flag, 0600));
        size_ = file_.valid() ? lseek(file_.get(), 0, SEEK_END) : 0;
    }

    std::string path_;
    Fd file_;
    std::int64_t size_ = 0;
};

void say(const std::string& line) {
    write_all(STDOUT_FILENO, line + "\n");
}

/// Starts the program with its output going to `output`; it dies with us.
pid_t start(const SmolvmCommand& command, int output) {
    std::vector<char*> argv;
    std::vector<char*> environment;
    for (const std::string& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& variable : command.environment) environment.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    environment.push_back(nullptr);
    pid_t keeper = getpid();
    pid_t child = fork();
    if (child != 0) return child;
    // The command in the guest ends with smolvm's client (measured on 1.32.2): nothing runs on that nobody holds.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper) _exit(127);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool good = nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
                dup2(output, STDERR_FILENO) >= 0;
    if (good) execve(argv[0], argv.data(), environment.data());
    _exit(127);
}

/// What is there to read now; false at the end.
bool copy_what_is_there(int from, std::vector<char>& buffer, WorkloadLog& log) {
    for (;;) {
        const ssize_t got = read(from, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 && errno == EAGAIN;
        log.add({buffer.data(), static_cast<std::size_t>(got)});
    }
}

/// Until `child` has ended and all that it wrote is read. Somebody else may have the pipe's other end for longer: that is no workload of ours.
void copy_output(int from, pid_t child, WorkloadLog& log) {
    std::vector<char> buffer(65'536);
    const Fd ended(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    fcntl(from, F_SETFL, O_NONBLOCK);
    for (bool lives = true; lives;) {
        pollfd waiting[] = {{from, POLLIN, 0}, {ended.get(), POLLIN, 0}};
        if (poll(waiting, 2, -1) < 0) continue;
        lives = (waiting[1].revents & POLLIN) == 0;
        if (!copy_what_is_there(from, buffer, log)) return;
    }
}

int exit_code_of(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return 255;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Returns the exit code of the command, after the record is written and "started" was said.
int run_and_log(const KeeperRequest& request, const std::string& folder) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return 255;
    Fd from(ends[0]);
    Fd to(ends[1]);
    WorkloadLog log(folder);
    pid_t child = start(workload_command(request), to.get());
    to.reset();
    if (child < 0) return 255;
    copy_output(from.get(), child, log);
    return exit_code_of(child);
}

}  // namespace

int keep_workload_main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::string folder = argv[2];
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (chdir("/") != 0) return 1;
    std::string text;
    std::optional<KeeperRequest> request;
    if (read_from(STDIN_FILENO, 0, kMaxRequest, text)) request = parse_request(text);
    if (!request) {
        say("its request makes no sense");
        return 2;
    }
    WorkloadHold hold;
    if (const std::string problem = hold.take(folder, request->record); !problem.empty()) {
        say(problem);
        return 1;
    }
    say("started");
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0) return 1;
    return hold.ended(run_and_log(*request, folder)).empty() ? 0 : 1;
}

}  // namespace bottle
