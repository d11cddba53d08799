#include "controllers/machine/guard.h"
#include "controllers/process/proc_table.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

namespace bottle {
namespace {

constexpr int kControl = 3;
constexpr int kReport = 4;
constexpr int kDone = 0;
constexpr int kHadToKill = 1;

using Clock = std::chrono::steady_clock;

struct Request {
    ProcessRequest process;
    std::string vm_folder;
    std::chrono::milliseconds bound{0};
};

/// One line from our maker; nothing when it died before it was whole.
std::optional<std::string> read_line() {
    std::string line;
    for (char c = 0; c != '\n';) {
        const auto count = read(kControl, &c, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return std::nullopt;
        line += c;
    }
    return line;
}

std::optional<Request> read_request() {
    const auto line = read_line();
    if (!line) return std::nullopt;
    const auto json = nlohmann::json::parse(*line, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    Request request;
    request.process.argv = json.at("argv").get<std::vector<std::string>>();
    request.process.environment = json.at("environment").get<std::vector<std::string>>();
    request.process.deadline = std::chrono::milliseconds(json.at("deadlineMs").get<std::int64_t>());
    request.vm_folder = json.at("vmFolder").get<std::string>();
    request.bound = std::chrono::milliseconds(json.at("boundMs").get<std::int64_t>());
    return request;
}

void report(const ProcessResult& result) {
    const nlohmann::json json = {{"end", static_cast<int>(result.end)}, {"code", result.code}, {"out", result.out}, {"err", result.err}};
    const auto text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = write(kReport, text.data() + done, text.size() - done);
        if (count <= 0 && errno != EINTR) return;
        if (count > 0) done += static_cast<std::size_t>(count);
    }
}

/// True when our maker said that the boot is proved; false when it died, or the bound passed.
bool wait_for_proof(Clock::time_point end) {
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        if (left.count() <= 0) return false;
        pollfd wait{kControl, POLLIN, 0};
        const int ready = poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1'000)));
        if (ready < 0 && errno != EINTR) return false;
        if (ready <= 0) continue;
        return read_line() == "proved\n";
    }
}

void kill_process(std::int64_t pid) {
    if (const auto start = process_start_time(pid)) kill_and_confirm(pid, *start, std::chrono::seconds(5));
}

void collect_dead_children() {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
}

/// Kills until nothing is left that could be, or become, a VMM of the folder: children of ours, theirs (they become ours), and
/// any VMM that somebody else started there. Two empty looks in a row end it.
void kill_everything(const std::string& vm_folder) {
    for (int empty = 0; empty < 2;) {
        const auto children = children_of(getpid());
        const auto machines = find_vmm_processes(vm_folder);
        for (const auto pid : children) kill_process(pid);
        if (machines.present()) {
            for (const auto& machine : *machines) kill_and_confirm(machine.pid, machine.start_time, std::chrono::seconds(5));
        }
        collect_dead_children();
        const bool none = children.empty() && machines.present() && machines->empty();
        empty = none ? empty + 1 : 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

}  // namespace

int guard_main(int, char**) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "bottle-guard");
    for (const int fd : {kControl, kReport}) fcntl(fd, F_SETFD, FD_CLOEXEC);
    const auto request = read_request();
    if (!request) return kHadToKill;
    const auto end = Clock::now() + request->bound;

    // The runner's thread waits for smolvm itself; killing smolvm ends the thread.
    std::thread starter([&request] { report(SystemProcessRunner().run(request->process)); });
    const bool proved = wait_for_proof(end);
    if (!proved) kill_everything(request->vm_folder);
    starter.join();
    if (!proved) kill_everything(request->vm_folder);
    return proved ? kDone : kHadToKill;
}

}  // namespace bottle
