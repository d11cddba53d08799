#include "controllers/machine/guard.h"
#include "controllers/process/proc_table.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

namespace bottle {
namespace {

constexpr int kChannel = 3;
constexpr int kDone = 0;
constexpr int kHadToKill = 1;

/// Goes on through suspend: a machine is exposed again the moment the host wakes.
std::chrono::milliseconds now() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::milliseconds(time.tv_nsec / 1'000'000);
}

struct Request {
    ProcessRequest process;
    std::string vm_folder;
    std::chrono::milliseconds bound{0};
};

/// One line from our maker; nothing when it died before it was whole.
std::optional<std::string> read_line() {
    std::string line;
    for (char c = 0; c != '\n';) {
        const auto count = recv(kChannel, &c, 1, 0);
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
    try {
        Request request;
        request.process.argv = json.at("argv").get<std::vector<std::string>>();
        request.process.environment = json.at("environment").get<std::vector<std::string>>();
        request.process.deadline = std::chrono::milliseconds(json.at("deadlineMs").get<std::int64_t>());
        request.vm_folder = json.at("vmFolder").get<std::string>();
        request.bound = std::chrono::milliseconds(json.at("boundMs").get<std::int64_t>());
        return request;
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

void report(const ProcessResult& result) {
    const nlohmann::json json = {{"end", static_cast<int>(result.end)}, {"code", result.code}, {"out", result.out}, {"err", result.err}};
    const auto text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = send(kChannel, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (count <= 0 && errno != EINTR) return;
        if (count > 0) done += static_cast<std::size_t>(count);
    }
}

/// True when our maker said that the boot is proved; false when it died, or the bound passed.
bool wait_for_proof(std::chrono::milliseconds end) {
    for (;;) {
        const auto left = end - now();
        if (left.count() <= 0) return false;
        pollfd wait{kChannel, POLLIN, 0};
        // Short turns: poll's own clock stands still through suspend.
        const int ready = poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1'000)));
        if (ready < 0 && errno != EINTR) return false;
        if (ready > 0) return read_line() == "proved\n";
    }
}

/// One round of killing: children of ours, of which smolvm is one, and any VMM of the folder. True if there was nothing to kill.
bool kill_what_is_there(const std::string& vm_folder) {
    constexpr std::chrono::seconds kEach{5};
    const auto children = children_of(getpid());
    for (const auto pid : children) {
        if (const auto start = process_start_time(pid)) kill_and_confirm(pid, *start, kEach);
    }
    const auto machines = find_vmm_processes(vm_folder);
    if (machines.present()) {
        for (const auto& machine : *machines) kill_and_confirm(machine.pid, machine.start_time, kEach);
    }
    return children.empty() && machines.present() && machines->empty();
}

/// Kills until nothing is left that could be, or become, a VMM of the folder: what a dead child leaves behind becomes our child, so two
/// empty looks in a row end it. Where something cannot be killed it goes on for ever, a little slower.
void kill_everything(const std::string& vm_folder) {
    auto pause = std::chrono::milliseconds(20);
    for (int empty = 0; empty < 2;) {
        empty = kill_what_is_there(vm_folder) ? empty + 1 : 0;
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 11 / 10, std::chrono::milliseconds(1'000));
    }
}

}  // namespace

int guard_main(int, char**) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "bottle-guard");
    fcntl(kChannel, F_SETFD, FD_CLOEXEC);
    // It must not keep a file system busy.
    if (chdir("/") != 0) return kHadToKill;
    const auto request = read_request();
    if (!request) return kHadToKill;
    const auto end = now() + request->bound;

    std::atomic<bool> ended = false;
    // The runner's thread waits for smolvm itself; killing smolvm ends the thread.
    std::thread starter([&] {
        const auto result = SystemProcessRunner().run(request->process);
        ended = true;
        report(result);
    });
    const bool proved = wait_for_proof(end);
    // While the runner waits for smolvm, nobody else may collect it: another process could get its pid.
    while (!proved && !ended) {
        kill_what_is_there(request->vm_folder);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (!proved) kill_everything(request->vm_folder);
    starter.join();
    return proved ? kDone : kHadToKill;
}

}  // namespace bottle
