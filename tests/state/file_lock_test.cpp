#include "controllers/state/file_lock.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

using namespace bottle;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A process that holds the lock until it is killed.
class Holder {
public:
    explicit Holder(const std::string& path) {
        int ready[2] = {-1, -1};
        if (pipe2(ready, O_CLOEXEC) != 0) return;
        pid_ = fork();
        if (pid_ == 0) {
            const FileLock lock(path, seconds(5));
            [[maybe_unused]] const auto told = write(ready[1], "x", 1);
            for (;;) pause();
        }
        close(ready[1]);
        char x = 0;
        holds_ = read(ready[0], &x, 1) == 1;
        close(ready[0]);
    }
    ~Holder() { end(); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    bool holds() const { return holds_; }
    pid_t pid() const { return pid_; }
    void end() {
        if (pid_ <= 0) return;
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_ = -1;
    bool holds_ = false;
};

}  // namespace

TEST_CASE("a lock that another process holds is named with its holder") {
    const TempFolder top;
    const auto path = top.file("locks/docs");
    const Holder holder(path);
    REQUIRE(holder.holds());
    const auto text = raised([&] { const FileLock lock(path, milliseconds(0)); });
    CHECK(text.rfind(fmt::format("4: {} is held by process {} (", path, holder.pid()), 0) == 0);
    // Which command, and since when.
    CHECK(text.find("test_state") != std::string::npos);
    CHECK(text.find(") since 2") != std::string::npos);
}

TEST_CASE("the lock of a dead process is free") {
    const TempFolder top;
    Holder holder(top.file("lock"));
    REQUIRE(holder.holds());
    holder.end();
    CHECK(raised([&] { const FileLock lock(top.file("lock"), milliseconds(0)); }).empty());
    CHECK(std::filesystem::exists(top.file("lock")));
}

TEST_CASE("two processes are never in at once") {
    const TempFolder top;
    constexpr int kProcesses = 4;
    constexpr int kTurns = 25;
    write_file(top.file("counter"), "0");
    std::vector<pid_t> pids;
    for (int p = 0; p < kProcesses; ++p) {
        const pid_t pid = fork();
        if (pid != 0) {
            pids.push_back(pid);
            continue;
        }
        for (int i = 0; i < kTurns; ++i) {
            const FileLock lock(top.file("lock"), seconds(60));
            const int count = std::stoi(read_file(top.file("counter")));
            std::this_thread::sleep_for(milliseconds(1));
            write_file(top.file("counter"), std::to_string(count + 1));
        }
        _exit(0);
    }
    for (const auto pid : pids) waitpid(pid, nullptr, 0);
    CHECK(read_file(top.file("counter")) == std::to_string(kProcesses * kTurns));
}

TEST_CASE("threads of one process exclude each other as processes do") {
    const TempFolder top;
    const FileLock lock(top.file("lock"), seconds(5));
    std::string text;
    std::thread other([&] { text = raised([&] { const FileLock second(top.file("lock"), milliseconds(0)); }); });
    other.join();
    CHECK(text.rfind(fmt::format("4: {} is held by process {} (", top.file("lock"), getpid()), 0) == 0);
}

TEST_CASE("a lock goes through no link, into no foreign folder, and not into a program") {
    const TempFolder top;
    write_file(top.file("victim"), "keep");
    std::filesystem::create_symlink(top.file("victim"), top.file("lock"));
    CHECK(raised([&] { const FileLock lock(top.file("lock"), milliseconds(0)); }) == "1: cannot make the lock " + top.file("lock") + ": Too many levels of symbolic links");
    CHECK(read_file(top.file("victim")) == "keep");

    std::filesystem::create_directory(top.file("open"));
    REQUIRE(chmod(top.file("open").c_str(), 0777) == 0);
    CHECK(raised([&] { const FileLock lock(top.file("open/lock"), milliseconds(0)); }) == "1: " + top.file("open") + " can be written by others: what it says cannot be trusted");

    const FileLock lock(top.file("plain"), seconds(5));
    int inherited = 0;
    for (int fd = 3; fd < 100; ++fd) {
        const int flags = fcntl(fd, F_GETFD);
        inherited += flags >= 0 && (flags & FD_CLOEXEC) == 0 && std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd)) == top.file("plain");
    }
    CHECK(inherited == 0);
}
