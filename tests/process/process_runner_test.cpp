#include "controllers/process/process_runner.h"

#include "tests/guest/temp_folder.h"
#include "tests/process/standin.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <sstream>

using namespace bottle;
using End = ProcessResult::End;

namespace {

ProcessRequest shell(const std::string& script) {
    ProcessRequest request;
    request.argv = {"/bin/sh", "-c", script};
    request.environment = {"PATH=/usr/bin:/bin"};
    return request;
}

ProcessResult run(const ProcessRequest& request) {
    return SystemProcessRunner().run(request);
}

/// Runs `body` in a process of its own; true when it returns true.
template <class Body>
bool in_another_process(Body body) {
    const pid_t pid = fork();
    if (pid == 0) _exit(body() ? 0 : 1);
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string wait_for_text(const std::string& path) {
    for (int i = 0; i < 500; ++i) {
        const auto text = read_file(path);
        if (!text.empty() && text.back() == '\n') return text;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
}

}  // namespace

TEST_CASE("a program's end is told as it was") {
    const auto fine = run(shell("echo out; echo err >&2"));
    CHECK(fine.succeeded());
    CHECK(fine.out == "out\n");
    CHECK(fine.err == "err\n");

    const auto three = run(shell("exit 3"));
    CHECK_FALSE(three.succeeded());
    CHECK(three.end == End::Exited);
    CHECK(three.code == 3);
    CHECK(describe(three) == "exited with 3");

    const auto killed = run(shell("kill -9 $$"));
    CHECK(killed.end == End::Signaled);
    CHECK(killed.code == 9);
    CHECK(describe(killed) == "was killed by signal 9");
}

TEST_CASE("what cannot be started is told with its errno") {
    auto request = shell("true");
    SECTION("no such program") {
        request.argv = {"/nonexistent/program"};
        const auto result = run(request);
        CHECK(result.end == End::NotStarted);
        CHECK(result.code == ENOENT);
        CHECK(describe(result) == "could not be started: No such file or directory");
    }
    SECTION("no such folder") {
        request.working_folder = "/nonexistent";
        CHECK(run(request).code == ENOENT);
    }
    SECTION("not an absolute path") {
        request.argv = {"sh"};
        CHECK(run(request).code == EINVAL);
    }
    SECTION("nothing at all") {
        request.argv = {};
        CHECK(run(request).code == EINVAL);
    }
    SECTION("a NUL, at which exec would cut an argument short") {
        request.argv.back() = std::string("true\0false", 10);
        CHECK(run(request).code == EINVAL);
    }
    SECTION("a NUL in the environment") {
        request.environment.push_back(std::string("A=1\0B=2", 7));
        CHECK(run(request).code == EINVAL);
    }
    CHECK(run(request).end == End::NotStarted);
}

TEST_CASE("the environment is exactly the one that was given") {
    ProcessRequest request;
    request.argv = {"/usr/bin/env"};
    CHECK(run(request).out.empty());
    request.environment = {"B=2", "A=1 and more"};
    CHECK(run(request).out == "B=2\nA=1 and more\n");
}

TEST_CASE("no descriptor of ours reaches the program") {
    const int leaky = open("/dev/null", O_RDONLY);
    const int high = fcntl(leaky, F_DUPFD, 200);
    REQUIRE(high >= 200);
    ProcessRequest request;
    request.argv = {"/bin/ls", "/proc/self/fd"};
    // 3 is the folder that ls itself reads.
    CHECK(run(request).out == "0\n1\n2\n3\n");
    close(leaky);
    close(high);
}

TEST_CASE("a caller without standard streams gets the right ones for the program") {
    for (unsigned closed = 1; closed < 8; ++closed) CHECK(in_another_process([closed] {
        for (const int fd : {0, 1, 2}) {
            if ((closed >> fd & 1) != 0) close(fd);
        }
        auto request = shell("cat; echo err >&2");
        request.input = "in";
        const auto result = run(request);
        return result.succeeded() && result.out == "in" && result.err == "err\n";
    }));
}

TEST_CASE("ignored and blocked signals are the program's own matter") {
    CHECK(in_another_process([] {
        for (const int number : {SIGINT, SIGPIPE, SIGTERM}) signal(number, SIG_IGN);
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, nullptr);
        ProcessRequest request;
        request.argv = {"/bin/grep", "-E", "SigIgn|SigBlk", "/proc/self/status"};
        return run(request).out == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
    }));
}

TEST_CASE("an exit code is not lost where children are ignored") {
    CHECK(in_another_process([] {
        signal(SIGCHLD, SIG_IGN);
        return run(shell("exit 7")).code == 7;
    }));
}

TEST_CASE("an exit code that somebody else collected is no success") {
    CHECK(in_another_process([] {
        std::atomic<bool> over = false;
        std::thread thief([&over] {
            while (!over) waitpid(-1, nullptr, WNOHANG);
        });
        bool lost = false;
        bool wrong = false;
        // Who collects first is chance; who does it before there is a pidfd makes it a program that did not start.
        for (int i = 0; i < 5000 && !lost && !wrong; ++i) {
            const auto result = run(shell("exit 0"));
            lost = result.end == End::Exited && result.code == -1 && !result.succeeded() && describe(result) == "ended, and its exit code was lost";
            wrong = !lost && !result.succeeded() && result.end != End::NotStarted;
        }
        over = true;
        thief.join();
        return lost && !wrong;
    }));
}

TEST_CASE("input arrives whole, and is closed behind") {
    auto request = shell("cat");
    request.input = std::string(1'000'000, 'x') + "end";
    request.output_cap = 2'000'000;
    CHECK(run(request).out == request.input);
    request.input = "";
    CHECK(run(request).out.empty());
}

TEST_CASE("a program that does not read its input ends nobody") {
    CHECK(in_another_process([] {
        signal(SIGPIPE, SIG_DFL);
        auto request = shell("exec 0<&-; exit 4");
        request.input = std::string(1'000'000, 'x');
        const bool told = run(request).code == 4;
        sigset_t pending;
        sigpending(&pending);
        return told && sigismember(&pending, SIGPIPE) == 0;
    }));
}

TEST_CASE("too much output ends the program, and only the cap of it is kept") {
    for (const char* script : {"yes", "yes >&2", "head -c 5001 /dev/zero"}) {
        auto request = shell(script);
        request.output_cap = 5000;
        const auto result = run(request);
        CHECK(result.end == End::TooMuchOutput);
        CHECK(result.out.size() + result.err.size() == 5000);
        CHECK(describe(result) == "wrote more than it may and was killed");
    }
    auto request = shell("head -c 5000 /dev/zero");
    request.output_cap = 5000;
    CHECK(run(request).succeeded());
}

TEST_CASE("past the deadline the whole group is killed") {
    auto request = shell("sleep 1000 & echo $!; sleep 1000");
    request.deadline = std::chrono::milliseconds(500);
    const auto result = run(request);
    CHECK(result.end == End::TimedOut);
    CHECK(describe(result) == "did not end in time and was killed");
    const auto grandchild = static_cast<pid_t>(std::strtol(result.out.c_str(), nullptr, 10));
    REQUIRE(grandchild > 1);
    CHECK(comes_to_an_end(grandchild));
}

TEST_CASE("the deadline holds for a program that closed its outputs") {
    auto request = shell("exec >&- 2>&-; sleep 1000");
    request.deadline = std::chrono::milliseconds(300);
    CHECK(run(request).end == End::TimedOut);
}

TEST_CASE("what a program leaves behind does not hold up its end") {
    // The one that stays holds both outputs open.
    const auto result = run(shell("sleep 1000 & echo $!; exit 5"));
    CHECK(result.end == End::Exited);
    CHECK(result.code == 5);
    const auto left = static_cast<pid_t>(std::strtol(result.out.c_str(), nullptr, 10));
    REQUIRE(left > 1);
    CHECK(process_state(left) != '-');
    kill(left, SIGKILL);
}

TEST_CASE("a program leads a group of its own") {
    ProcessRequest request;
    request.argv = {"/bin/cat", "/proc/self/stat"};
    std::istringstream words(run(request).out);
    std::string pid;
    std::string name;
    std::string state;
    std::string parent;
    std::string group;
    words >> pid >> name >> state >> parent >> group;
    CHECK(pid == group);
    CHECK(parent == std::to_string(getpid()));
}

TEST_CASE("a program dies with bottle") {
    const TempFolder folder;
    const pid_t bottle_pid = fork();
    if (bottle_pid == 0) {
        run(shell("echo $$ > " + folder.file("pid") + "; while :; do sleep 0.05; done"));
        _exit(0);
    }
    const auto text = wait_for_text(folder.file("pid"));
    kill(bottle_pid, SIGKILL);
    waitpid(bottle_pid, nullptr, 0);
    const auto program = static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10));
    REQUIRE(program > 1);
    CHECK(comes_to_an_end(program));
}

TEST_CASE("several threads run programs at once, each with its own streams") {
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
        threads.emplace_back([&right, t] {
            for (int i = 0; i < 20; ++i) {
                auto request = shell("cat; exit " + std::to_string(t));
                request.input = std::string(70'000, static_cast<char>('a' + t));
                const auto result = run(request);
                if (result.code == t && result.out == request.input) ++right;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(right == 120);
}
