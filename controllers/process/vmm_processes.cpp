#include "controllers/process/proc_file.h"
#include "controllers/process/proc_table.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

namespace bottle {
namespace {

/// One folder may have several names (a link on the way, a bind mount): device and inode tell.
bool is_beneath_by_identity(const std::string& path, const struct stat& folder) {
    for (auto above = std::filesystem::path(path).parent_path();; above = above.parent_path()) {
        struct stat info {};
        if (stat(above.c_str(), &info) == 0 && info.st_dev == folder.st_dev && info.st_ino == folder.st_ino) return true;
        if (above == above.parent_path()) return false;
    }
}

bool is_beneath(const std::string& path, const std::string& folder) {
    if (path.rfind(folder + "/", 0) == 0) return true;
    struct stat info {};
    return !path.empty() && path.front() == '/' && stat(folder.c_str(), &info) == 0 && is_beneath_by_identity(path, info);
}

bool runs_machine(const std::vector<std::string>& argv, const std::string& vm_folder) {
    const auto verb = std::find(argv.begin(), argv.end(), "_boot-vm");
    if (verb == argv.end()) return false;
    return std::any_of(verb + 1, argv.end(), [&](const std::string& argument) { return is_beneath(argument, vm_folder); });
}

/// -1 when the text makes no sense.
std::int64_t effective_uid(const std::string& status) {
    const auto at = status.find("\nUid:");
    if (at == std::string::npos) return -1;
    std::istringstream line(status.substr(at + 5));
    std::int64_t real = -1;
    std::int64_t effective = -1;
    line >> real >> effective;
    return line ? effective : -1;
}

/// "State:\tT (stopped)", as SIGSTOP leaves it (proc(5)); a traced process is "t (tracing stop)".
bool is_paused(const std::string& status) {
    return status.find("\nState:\tT") != std::string::npos;
}

/// The name of the mapping's link in /proc/PID/map_files, which pads no number.
std::string map_file(const std::string& range) {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    char dash = 0;
    std::istringstream(range) >> std::hex >> from >> dash >> to;
    return fmt::format("{:x}-{:x}", from, to);
}

/// libkrun, libkrunfw, and what the libkrun of 1.4.0 loads from beside it.
bool is_krun(const std::string& library) {
    return library.rfind("libkrun", 0) == 0 || library == "smol_virgl_stub.so";
}

struct Libraries {
    std::vector<FileIdentity> files;
    bool hidden = false;
};

/// Identities come from the mappings themselves: a path may lead to another file by now. To follow one takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE
/// (proc(5), map_files), even for the process's own user: they are hidden then, all of them. Nothing when one cannot be read for another reason.
std::optional<Libraries> krun_libraries(std::int64_t pid, const std::string& maps) {
    Libraries libraries;
    std::set<std::string> seen;
    for (const auto& line : split(maps, '\n')) {
        // "7f0c…-7f0c… r-xp 00000000 08:02 1311   /…/libkrun.so"
        std::istringstream words(line);
        std::string range;
        std::string permissions;
        std::string offset;
        std::string device;
        std::string inode;
        std::string path;
        words >> range >> permissions >> offset >> device >> inode;
        std::getline(words >> std::ws, path);
        if (!is_krun(path.substr(path.rfind('/') + 1)) || !seen.insert(fmt::format("{} {} {}", device, inode, path)).second) continue;
        auto identity = identify_file(fmt::format("/proc/{}/map_files/{}", pid, map_file(range)));
        if (!identity && errno == EPERM) return Libraries{{}, true};
        if (!identity) return std::nullopt;
        identity->path = path;
        libraries.files.push_back(*identity);
    }
    return libraries;
}

std::optional<std::map<std::string, std::string>> parse_environment(const std::string& text) {
    std::map<std::string, std::string> environment;
    for (const auto& entry : split(text, '\0')) {
        const auto equals = entry.find('=');
        const auto value = equals == std::string::npos ? std::string() : entry.substr(equals + 1);
        if (!environment.emplace(entry.substr(0, equals), value).second) return std::nullopt;
    }
    return environment;
}

/// The VMM makes itself undumpable (1.32.2): even for its own user the kernel keeps its memory, program and descriptors to root.
bool is_hidden(std::int64_t pid) {
    const int fd = open(fmt::format("/proc/{}/environ", pid).c_str(), O_RDONLY | O_CLOEXEC);
    const bool denied = fd < 0 && (errno == EACCES || errno == EPERM);
    if (fd >= 0) close(fd);
    return denied;
}

/// Nothing when a part cannot be read, also because the process ended meanwhile. The program's file comes last: it can be read only
/// while the process has its memory, so that what was read before it was not an ending process's emptiness.
std::optional<VmmProcess> read_vmm(std::int64_t pid) {
    const auto start = process_start_time(pid);
    const auto status = read_proc(pid, "status");
    if (start && status.present() && is_hidden(pid)) {
        const auto uid = effective_uid(*status);
        if (uid < 0) return std::nullopt;
        VmmProcess seen;
        seen.pid = pid;
        seen.start_time = *start;
        seen.uid = uid;
        seen.hidden = "only root may look into it";
        seen.paused = is_paused(*status);
        return seen;
    }
    const auto maps = read_proc(pid, "maps");
    const auto environ_text = read_proc(pid, "environ");
    const auto link = fmt::format("/proc/{}/exe", pid);
    auto executable = identify_file(link);
    if (!start || !status.present() || !maps.present() || !environ_text.present() || !executable) return std::nullopt;
    std::error_code error;
    executable->path = std::filesystem::read_symlink(link, error);
    auto libraries = krun_libraries(pid, *maps);
    auto environment = parse_environment(*environ_text);
    const auto uid = effective_uid(*status);
    if (error || !libraries || !environment || uid < 0) return std::nullopt;
    return VmmProcess{pid, *start, uid, *executable, std::move(libraries->files), std::move(*environment), libraries->hidden ? "only root may see which libraries it maps" : "",
                      is_paused(*status)};
}

/// Absent: it ended meanwhile. While a process ends, or replaces its program, it is unreadable for a moment and not yet a zombie.
Observation<VmmProcess> read_patiently(std::int64_t pid) {
    constexpr int kTries = 40;
    constexpr auto kPause = std::chrono::milliseconds(5);
    for (int i = 0; i < kTries; ++i) {
        auto process = read_vmm(pid);
        if (!alive(pid)) return Absent{};
        if (process) return std::move(*process);
        std::this_thread::sleep_for(kPause);
    }
    return Unknown{fmt::format("process {} runs this machine and cannot be read", pid)};
}

}  // namespace

Observation<std::vector<VmmProcess>> find_vmm_processes(const std::string& vm_folder) {
    const auto pids = all_processes();
    if (!pids.present()) return Unknown{pids.unknown() ? pids.why() : "/proc is not there"};
    std::vector<VmmProcess> found;
    for (const auto pid : *pids) {
        const auto cmdline = read_proc(pid, "cmdline");
        if (cmdline.unknown() && alive(pid)) return Unknown{cmdline.why()};
        if (!cmdline.present() || !runs_machine(split(*cmdline, '\0'), vm_folder)) continue;
        const auto process = read_patiently(pid);
        if (process.unknown()) return Unknown{process.why()};
        if (process.present()) found.push_back(*process);
    }
    return found;
}

}  // namespace bottle
