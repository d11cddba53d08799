#include "controllers/process/network_namespace.h"
#include "controllers/process/proc_table.h"
#include "tests/guest/temp_folder.h"
#include "tests/process/standin.h"
#include "tests/support/as_user.h"

#include <catch2/catch.hpp>

#include <sched.h>
#include <sys/stat.h>

#include <array>

using namespace bottle;

namespace {

/// A process that waits until it is killed; `prepare` runs in it first.
class Child {
public:
    template <class Prepare>
    explicit Child(Prepare prepare) {
        int ready[2] = {-1, -1};
        if (pipe2(ready, O_CLOEXEC) != 0) return;
        pid_ = fork();
        if (pid_ == 0) {
            close(ready[0]);
            if (!prepare()) _exit(1);
            [[maybe_unused]] const auto said = write(ready[1], "x", 1);
            for (;;) pause();
        }
        close(ready[1]);
        char byte = 0;
        good_ = read(ready[0], &byte, 1) == 1;
        close(ready[0]);
    }
    ~Child() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    bool good() const { return good_; }

private:
    pid_t pid_ = -1;
    bool good_ = false;
};

}  // namespace

TEST_CASE("a VMM that only root may look into is found by its own user, and said to be hidden") {
    const TempFolder folder;
    REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
    // A program that its user cannot read runs undumpable, as a VMM makes itself.
    const auto program = folder.file("vmm");
    std::filesystem::copy_file(std::filesystem::canonical("/bin/sh"), program);
    REQUIRE(chmod(program.c_str(), 0711) == 0);
    const auto vm = folder.file("vm");
    const auto config = vm + "/boot-config.json";
    int hold[2] = {-1, -1};
    REQUIRE(pipe2(hold, O_CLOEXEC) == 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(hold[0], 0);
        if (become_nobody())
            execl(program.c_str(), program.c_str(), "-c", "read line", "_boot-vm", config.c_str(), nullptr);
        _exit(127);
    }
    const auto found_by_root = [&] {
        const auto found = find_vmm_processes(vm);
        return found.present() && found->size() == 1 && found->front().pid == child && found->front().uid == kNobody &&
               found->front().hidden.empty();
    };
    for (int i = 0; i < 500 && !found_by_root(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(found_by_root());
    CHECK(true_as_user([&] {
        const auto found = find_vmm_processes(vm);
        if (!found.present() || found->size() != 1) return false;
        const auto& process = found->front();
        return process.pid == child && process.start_time > 0 && process.uid == kNobody && !process.hidden.empty() &&
               process.environment.empty() && process.libraries.empty();
    }));
    // It can be ended by its user all the same.
    CHECK(true_as_user([&] { return kill_and_confirm(child, *process_start_time(child), std::chrono::seconds(5)); }));
    CHECK(process_state(child) == 'Z');
    waitpid(child, nullptr, 0);
    close(hold[0]);
    close(hold[1]);
}

TEST_CASE("of a VMM that hides nothing itself, its own user sees all but the mapped libraries, and that is said") {
    const TempFolder folder;
    REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
    // Mapped by its program's own name: no library is needed for a mapping that counts as one.
    const auto program = folder.file("libkrun-vmm");
    std::filesystem::copy_file(std::filesystem::canonical("/bin/sh"), program);
    REQUIRE(chmod(program.c_str(), 0755) == 0);
    const auto vm = folder.file("vm");
    const auto config = vm + "/boot-config.json";
    int hold[2] = {-1, -1};
    REQUIRE(pipe2(hold, O_CLOEXEC) == 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(hold[0], 0);
        if (become_nobody()) execle(program.c_str(), program.c_str(), "-c", "read line", "_boot-vm", config.c_str(), nullptr, std::array<char*, 1>{}.data());
        _exit(127);
    }
    const auto only = [&] {
        const auto found = find_vmm_processes(vm);
        return found.present() && found->size() == 1 && found->front().pid == child ? found->front() : VmmProcess{};
    };
    for (int i = 0; i < 500 && only().executable.path != program; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto whole = only();
    CHECK(whole.hidden.empty());
    CHECK(whole.libraries.size() == 1);
    CHECK(true_as_user([&] {
        const auto seen = only();
        return seen.hidden == "only root may see which libraries it maps" && seen.libraries.empty() && seen.executable == whole.executable && seen.uid == kNobody;
    }));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(hold[0]);
    close(hold[1]);
}

TEST_CASE("whose descendant a process is") {
    const Child child([] { return true; });
    REQUIRE(child.good());
    CHECK(descends_from(child.pid(), getpid()));
    CHECK(descends_from(child.pid(), getppid()));
    CHECK_FALSE(descends_from(getpid(), child.pid()));
    CHECK_FALSE(descends_from(child.pid(), child.pid()));
    const Child other([] { return true; });
    CHECK_FALSE(descends_from(child.pid(), other.pid()));
}

TEST_CASE("who shares our network namespace is told, also to a user who may not look into the process") {
    const Child here([] { return true; });
    const Child elsewhere([] { return unshare(CLONE_NEWNET) == 0; });
    REQUIRE(here.good());
    REQUIRE(elsewhere.good());
    CHECK(shares_our_network(here.pid()) == true);
    CHECK(shares_our_network(elsewhere.pid()) == false);
    CHECK(true_as_user([&] { return shares_our_network(here.pid()) == true; }));
    CHECK(true_as_user([&] { return shares_our_network(elsewhere.pid()) == false; }));
    CHECK_FALSE(shares_our_network(0));
}
