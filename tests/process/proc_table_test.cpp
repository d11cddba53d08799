#include "controllers/process/proc_table.h"

#include "controllers/process/process_runner.h"
#include "tests/guest/temp_folder.h"
#include "tests/process/standin.h"

#include <catch2/catch.hpp>

#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <sstream>

using namespace bottle;

namespace {

/// A shared library that our own program has loaded: any will do as a stand-in for libkrun.
std::string some_library() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        const auto slash = line.find('/');
        if (slash != std::string::npos && line.find("libgcc_s") != std::string::npos) return line.substr(slash);
    }
    return {};
}

std::vector<std::int64_t> pids(const Observation<std::vector<VmmProcess>>& found) {
    std::vector<std::int64_t> all;
    for (const auto& process : found.value()) all.push_back(process.pid);
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace

TEST_CASE("a VMM is found by its folder, with what the proof needs of it") {
    const TempFolder folder;
    const auto vm = folder.file("vm");
    std::filesystem::create_directory(vm);
    const Standin machine({"_boot-vm", vm + "/boot-config.json"}, {"HOME=/h", "EMPTY=", "ODD"});
    const auto found = find_vmm_processes(vm);
    REQUIRE(found.present());
    REQUIRE(found->size() == 1);
    const auto& process = found->front();
    CHECK(process.pid == machine.pid());
    CHECK(process.start_time == process_start_time(machine.pid()));
    CHECK(process.uid == geteuid());
    CHECK(process.environment == std::map<std::string, std::string>{{"HOME", "/h"}, {"EMPTY", ""}, {"ODD", ""}});
    CHECK(process.libraries.empty());
    const auto shell = identify_file("/bin/sh");
    REQUIRE(shell);
    CHECK(process.executable.inode == shell->inode);
    CHECK(process.executable.size == shell->size);
    CHECK(process.executable.path == std::filesystem::canonical("/bin/sh").string());
}

TEST_CASE("only a path beneath the folder counts, and only behind the verb") {
    const TempFolder folder;
    for (const auto* name : {"vm1", "vm10"}) std::filesystem::create_directory(folder.file(name));
    std::filesystem::create_directory_symlink(folder.file("vm1"), folder.file("other-name"));
    const Standin neighbour({"_boot-vm", folder.file("vm10") + "/boot-config.json"});
    const Standin other_program({"cat", folder.file("vm1") + "/boot-config.json"});
    const Standin wrong_order({folder.file("vm1") + "/boot-config.json", "_boot-vm"});
    const Standin similar({"_boot-vms", folder.file("vm1") + "/boot-config.json"});
    const Standin folder_itself({"_boot-vm", folder.file("vm1")});
    CHECK(pids(find_vmm_processes(folder.file("vm1"))).empty());
    CHECK(pids(find_vmm_processes(folder.file("vm10"))) == std::vector<std::int64_t>{neighbour.pid()});

    const Standin by_link({"_boot-vm", folder.file("other-name") + "/boot-config.json"});
    CHECK(pids(find_vmm_processes(folder.file("vm1"))) == std::vector<std::int64_t>{by_link.pid()});
    const Standin by_detour({"_boot-vm", "--flag", folder.file("vm10") + "/../vm1/deep/er/boot-config.json"});
    std::filesystem::create_directories(folder.file("vm1/deep/er"));
    CHECK(pids(find_vmm_processes(folder.file("vm1"))).size() == 2);
}

TEST_CASE("a VMM whose folder was removed is still found") {
    const TempFolder folder;
    const Standin machine({"_boot-vm", folder.file("gone") + "/boot-config.json"});
    CHECK(pids(find_vmm_processes(folder.file("gone"))) == std::vector<std::int64_t>{machine.pid()});
}

TEST_CASE("mapped libraries are told by what is mapped, not by what stands at their path") {
    const TempFolder folder;
    const auto library = folder.file("libkrun.so.1");
    REQUIRE_FALSE(some_library().empty());
    std::filesystem::copy_file(some_library(), library);
    const auto mapped = identify_file(library);
    const Standin machine({"_boot-vm", folder.file("vm/boot-config.json")}, {"LD_PRELOAD=" + library});
    // Loaded a moment after exec.
    auto found = find_vmm_processes(folder.file("vm"));
    for (int i = 0; i < 500 && found.present() && found->size() == 1 && found->front().libraries.empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        found = find_vmm_processes(folder.file("vm"));
    }
    REQUIRE(found.present());
    REQUIRE(found->size() == 1);
    REQUIRE(found->front().libraries.size() == 1);
    CHECK(found->front().libraries.front() == *mapped);

    std::filesystem::copy_file(some_library(), folder.file("new"));
    std::filesystem::rename(folder.file("new"), library);
    found = find_vmm_processes(folder.file("vm"));
    REQUIRE(found.present());
    REQUIRE(found->front().libraries.size() == 1);
    CHECK(found->front().libraries.front().inode == mapped->inode);
    CHECK(found->front().libraries.front().inode != identify_file(library)->inode);
}

TEST_CASE("what the libkrun of 1.4.0 loads from beside it is one of the mapped libraries, and another is not") {
    const TempFolder folder;
    const auto stub = folder.file("smol_virgl_stub.so");
    const auto other = folder.file("another.so");
    for (const auto& library : {stub, other}) std::filesystem::copy_file(some_library(), library);
    const Standin machine({"_boot-vm", folder.file("vm/boot-config.json")}, {"LD_PRELOAD=" + other + ":" + stub});
    auto found = find_vmm_processes(folder.file("vm"));
    for (int i = 0; i < 500 && found.present() && found->size() == 1 && found->front().libraries.empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        found = find_vmm_processes(folder.file("vm"));
    }
    REQUIRE(found.present());
    REQUIRE(found->size() == 1);
    CHECK(found->front().libraries == std::vector<FileIdentity>{*identify_file(stub)});
}

TEST_CASE("a VMM that names a variable twice is not understood") {
    const TempFolder folder;
    const Standin machine({"_boot-vm", folder.file("vm/boot-config.json")}, {"A=1", "A=2"});
    const auto found = find_vmm_processes(folder.file("vm"));
    REQUIRE(found.unknown());
    CHECK(found.why() == "process " + std::to_string(machine.pid()) + " runs this machine and cannot be read");
}

TEST_CASE("a dead VMM that nobody collected is none") {
    const TempFolder folder;
    const Standin machine({"_boot-vm", folder.file("vm/boot-config.json")});
    machine.kill_it();
    REQUIRE(comes_to_an_end(machine.pid()));
    CHECK(process_state(machine.pid()) == 'Z');
    CHECK(pids(find_vmm_processes(folder.file("vm"))).empty());
}

TEST_CASE("machines that come and go make no look uncertain") {
    const TempFolder folder;
    std::atomic<bool> over = false;
    std::thread machines([&] {
        ProcessRequest request;
        request.argv = {"/bin/sh", "-c", ":", "_boot-vm", folder.file("vm/boot-config.json")};
        while (!over) SystemProcessRunner().run(request);
    });
    int looks = 0;
    int uncertain = 0;
    for (; looks < 150; ++looks) uncertain += find_vmm_processes(folder.file("vm")).unknown();
    over = true;
    machines.join();
    CHECK(looks == 150);
    CHECK(uncertain == 0);
}

TEST_CASE("only the process that was meant is killed") {
    const Standin machine({"x"});
    const auto start = process_start_time(machine.pid());
    REQUIRE(start);
    // Its id, but another start: the one that was meant is dead.
    CHECK(kill_and_confirm(machine.pid(), *start + 1, std::chrono::seconds(5)));
    CHECK(goes_on(machine.pid()));
    CHECK(kill_and_confirm(machine.pid(), *start, std::chrono::seconds(5)));
    CHECK(process_state(machine.pid()) == 'Z');
    CHECK(kill_and_confirm(machine.pid(), *start, std::chrono::seconds(5)));
}

TEST_CASE("a process that is gone counts as killed") {
    Standin machine({"x"});
    const auto pid = machine.pid();
    const auto start = process_start_time(pid);
    machine.end();
    CHECK_FALSE(process_start_time(pid));
    CHECK(kill_and_confirm(pid, *start, std::chrono::seconds(5)));
}

TEST_CASE("a process that may not be killed counts as alive") {
    const Standin machine({"x"});
    const auto start = process_start_time(machine.pid());
    const pid_t stranger = fork();
    if (stranger == 0) {
        constexpr uid_t kNobody = 65534;
        if (setresuid(kNobody, kNobody, kNobody) != 0) _exit(2);
        _exit(kill_and_confirm(machine.pid(), *start, std::chrono::milliseconds(50)) ? 1 : 0);
    }
    int status = 0;
    waitpid(stranger, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(goes_on(machine.pid()));
}

TEST_CASE("children are found by their parent") {
    const Standin one({"x"});
    const Standin two({"y"});
    const auto children = children_of(getpid());
    CHECK(std::count(children.begin(), children.end(), one.pid()) == 1);
    CHECK(std::count(children.begin(), children.end(), two.pid()) == 1);
    CHECK(children_of(one.pid()).empty());
    const auto all = all_processes();
    REQUIRE(all.present());
    CHECK(std::count(all->begin(), all->end(), one.pid()) == 1);
}

TEST_CASE("a lock is seen without opening the file") {
    const TempFolder folder;
    const auto path = folder.file("vm.lock");
    CHECK(lock_is_held(path).absent());
    CHECK(lock_is_held(path + "/below").absent());
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const int neighbour = open(folder.file("other").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(lock_is_held(path) == Observation<bool>(false));

    SECTION("flock of another file") {
        REQUIRE(flock(neighbour, LOCK_EX) == 0);
        CHECK(lock_is_held(path) == Observation<bool>(false));
    }
    SECTION("flock") {
        REQUIRE(flock(fd, LOCK_SH) == 0);
        CHECK(lock_is_held(path) == Observation<bool>(true));
        REQUIRE(flock(fd, LOCK_UN) == 0);
        CHECK(lock_is_held(path) == Observation<bool>(false));
    }
    SECTION("fcntl lock, as SQLite takes") {
        struct flock range {};
        range.l_type = F_WRLCK;
        range.l_start = 100;
        range.l_len = 1;
        REQUIRE(fcntl(fd, F_SETLK, &range) == 0);
        CHECK(lock_is_held(path) == Observation<bool>(true));
    }
    SECTION("open file description lock") {
        struct flock range {};
        range.l_type = F_WRLCK;
        REQUIRE(fcntl(fd, F_OFD_SETLK, &range) == 0);
        CHECK(lock_is_held(path) == Observation<bool>(true));
    }
    SECTION("a lease is no lock") {
        close(fd);
        const int reader = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(fcntl(reader, F_SETLEASE, F_RDLCK) == 0);
        CHECK(lock_is_held(path) == Observation<bool>(false));
        close(reader);
    }
    SECTION("a link to a locked file is not the file") {
        REQUIRE(flock(fd, LOCK_EX) == 0);
        std::filesystem::create_symlink(path, folder.file("link"));
        CHECK(lock_is_held(folder.file("link")) == Observation<bool>(false));
    }
    close(neighbour);
    if (fcntl(fd, F_GETFD) >= 0) close(fd);
}

TEST_CASE("a changed file has another identity") {
    const TempFolder folder;
    CHECK_FALSE(identify_file(folder.file("none")));
    write_file(folder.file("f"), "1");
    const auto before = identify_file(folder.file("f"));
    REQUIRE(before);
    CHECK(before->path == folder.file("f"));
    CHECK(*before == *identify_file(folder.file("f")));
    write_file(folder.file("f"), "12");
    CHECK_FALSE(*before == *identify_file(folder.file("f")));
}
