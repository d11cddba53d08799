#include "vmm.h"

#include "records.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace stand_in {
namespace {

namespace fs = std::filesystem;

/// Where a VMM has the end of a pipe that it closes once it is what it shall be: its own program, its libraries, its uid.
constexpr int kReady = 3;

constexpr const char* kChannels[] = {"agent.sock", "control.sock", "ports.sock"};

/// What can be read of it: a process may end meanwhile, and an iterator would throw then.
std::string file_text(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

/// Another user's process may not be looked at, and is none of ours.
bool is_vmm_of(const std::string& pid, const std::string& folder) {
    const auto argv = file_text("/proc/" + pid + "/cmdline");
    return argv.find(std::string("\0_boot-vm\0", 10) + folder + "/") != std::string::npos;
}

void make_socket(const std::string& path) {
    fs::remove(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Paths of state folders are longer than sun_path: from within the folder the name is short.
    const auto name = fs::path(path).filename().string();
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (chdir(fs::path(path).parent_path().c_str()) != 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw Failure{"SMOLVM_ERROR", "cannot make " + path};
    }
    close(fd);
}

/// The whole of the machine's image, in which its guest runs (guest.h). It is kept from one start to the next, as a machine's disk is.
void make_guest(const nlohmann::ordered_json& record, const std::string& folder) {
    const auto image = record.at("image").get<std::string>();
    if (fs::exists(folder + "/guest")) return;
    fs::create_directories(folder + "/guest");
    fs::copy(image.substr(image.find(':') + 1), folder + "/guest", fs::copy_options::recursive | fs::copy_options::copy_symlinks | fs::copy_options::overwrite_existing);
}

/// The uid whose file in the registry names the folder's key, else the first that is free.
std::int64_t take_uid(const std::string& key) {
    const auto uids = places().uids;
    fs::create_directories(uids);
    for (const auto& entry : fs::directory_iterator(uids)) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") == std::string::npos && file_text(entry.path()) == key) return std::stoll(name);
    }
    std::int64_t uid = 2'000'000;
    while (fs::exists(uids + "/" + std::to_string(uid))) ++uid;
    std::ofstream(uids + "/" + std::to_string(uid)) << key;
    return uid;
}

nlohmann::ordered_json running_config(const nlohmann::ordered_json& record) {
    const auto list = nlohmann::ordered_json::array();
    if (kTsi) {
        return {{"version", 1}, {"mounts", record.at("mounts")}, {"ports", record.at("ports")},
                {"resources",
                 {{"cpus", record.at("cpus")}, {"memory_mib", record.at("mem")}, {"network", record.at("network")}, {"gpu", false}, {"gpu_vram_mib", nullptr},
                  {"storage_gib", record.at("storage_gb")}, {"overlay_gib", record.at("overlay_gb")}, {"allowed_cidrs", record.at("allowed_cidrs")}}}};
    }
    return {{"version", 1}, {"mounts", record.at("mounts")}, {"ports", record.at("ports")},
            {"resources",
             {{"cpus", record.at("cpus")}, {"memory_mib", record.at("mem")}, {"network", record.at("network")}, {"gpu", false}, {"gpu_vram_mib", nullptr},
              {"cuda", false}, {"nested_virt", false}, {"rosetta", false}, {"storage_gib", record.at("storage_gb")}, {"overlay_gib", record.at("overlay_gb")},
              {"block_io", "sync"}, {"disk_durability", "full"}, {"allowed_cidrs", record.at("allowed_cidrs")}, {"dns", nullptr}, {"dns_options", list},
              {"shm_size", nullptr}}},
            {"forkable", false}};
}

void make_files(const nlohmann::ordered_json& record, const std::string& folder, std::int64_t uid) {
    fs::create_directories(folder);
    std::ofstream(folder + "/agent.config.json") << running_config(record).dump();
    if (!kTsi) std::ofstream(folder + "/.vm-uid") << uid << "\n";
    for (const auto* name : {"storage.raw", "overlay.raw", "vm.lock", "agent-console.log"}) std::ofstream(folder + "/" + name, std::ios::app) << "";
    if (kTsi) {
        make_socket(folder + "/agent.sock");
        make_guest(record, folder);
        chmod(folder.c_str(), 0700);
        return;
    }
    for (const auto* name : kChannels) make_socket(folder + "/" + name);
    make_socket(folder + (record.at("network") == true ? "/egress.sock" : "/port-forward.sock"));
    if (geteuid() == 0 && chown(folder.c_str(), static_cast<uid_t>(uid), static_cast<gid_t>(uid)) != 0) throw Failure{"SMOLVM_ERROR", "cannot chown"};
    chmod(folder.c_str(), 0700);
}

[[noreturn]] void become_vmm(const std::string& folder, std::int64_t uid, int delay_ms, int ready) {
    setpgid(0, 0);
    if (ready == kReady) fcntl(kReady, F_SETFD, 0);
    else dup2(ready, kReady);
    if (delay_ms > 0) {
        setsid();
        usleep(static_cast<useconds_t>(delay_ms) * 1000);
    }
    for (int fd = 0; fd < 3; ++fd) dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
    const auto id = std::to_string(uid);
    for (const auto& [name, value] : {std::pair<const char*, std::string>{"SMOLVM_VM_UID", id}, {"SMOLVM_VM_GID", id}, {"KRUN_ENOMEM_RETRY", "1"},
                                      {"KRUN_FIRST_RUN_DELAY", "1"}, {"SMOLVM_BALLOON_RECLAIM", "1"}, {"SMOLVM_BOOT_WATCH_PARENT", "0"}, {"SMOLVM_READY_MARKER", "ready"}}) {
        if (!kTsi) setenv(name, value.c_str(), 1);
    }
    const auto config = folder + "/boot-config.json";
    execl("/proc/self/exe", "/proc/self/exe", "_boot-vm", config.c_str(), nullptr);
    _exit(127);
}

}  // namespace

int boot_vm(const std::string&) {
    constexpr unsigned kLife = 600;
    alarm(kLife);
    const auto folder = fs::read_symlink("/proc/self/exe").parent_path();
    for (const auto* name : {"libkrunfw.so.5", "libkrun.so"}) {
        if (dlopen((folder / name).c_str(), RTLD_NOW) == nullptr) return 1;
    }
    if (geteuid() == 0 && !kTsi) {
        const char* text = std::getenv("SMOLVM_VM_UID");
        const auto uid = static_cast<uid_t>(text == nullptr ? 0 : std::strtoul(text, nullptr, 10));
        if (uid == 0 || setgid(uid) != 0 || setuid(uid) != 0) return 1;
    }
    close(kReady);
    for (;;) pause();
}

std::int64_t start_vmm(const nlohmann::ordered_json& record, int delay_ms) {
    const auto folder = vm_folder(record.at("name"));
    const auto uid = kTsi ? geteuid() : take_uid(fs::path(folder).filename());
    make_files(record, folder, uid);
    int ready[2] = {-1, -1};
    if (pipe2(ready, O_CLOEXEC) != 0) throw Failure{"SMOLVM_ERROR", "cannot make a pipe"};
    const pid_t pid = fork();
    if (pid == 0) become_vmm(folder, uid, delay_ms, ready[1]);
    close(ready[1]);
    // As 1.32.2, which waits for its guest: by then the VMM has long had its uid. The end of the pipe is also the VMM's end.
    char nothing = 0;
    while (delay_ms == 0 && read(ready[0], &nothing, 1) < 0 && errno == EINTR) {
    }
    close(ready[0]);
    return delay_ms > 0 ? 0 : pid;
}

std::vector<std::int64_t> find_vmms(const std::string& folder) {
    std::vector<std::int64_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") == std::string::npos && is_vmm_of(name, folder)) found.push_back(std::stoll(name));
    }
    return found;
}

void kill_vmms(const std::string& folder) {
    for (const auto pid : find_vmms(folder)) kill(static_cast<pid_t>(pid), SIGKILL);
    for (int i = 0; i < 1000 && !find_vmms(folder).empty(); ++i) usleep(1000);
}

std::uint64_t start_time(std::int64_t pid) {
    const auto text = file_text("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string field;
    for (int i = 3; i <= 22; ++i) fields >> field;
    return field.empty() ? 0 : std::stoull(field);
}

}  // namespace stand_in
