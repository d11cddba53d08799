#include "controllers/machine/live_channels.h"

#include "controllers/guest/guest_files.h"
#include "controllers/process/proc_file.h"
#include "controllers/state/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace bottle {
namespace {

/// port-forward.sock, to the guest's ports, is there in a machine without a network, which has no egress.sock (1.32.2).
constexpr const char* kSealed[] = {"control.sock", "egress.sock", "port-forward.sock", "ports.sock"};
/// Made by the first `machine update --allow-cidr` of a running machine, and never removed (1.32.2).
constexpr const char* kTrace = "egress-update.lock";
/// exec, copy and stop; and what the guest's agent says to the host (1.32.2).
constexpr const char* kHarmless[] = {"agent.logs", "agent.ready", "agent.sock"};

template <std::size_t N>
bool is_one_of(const std::string& name, const char* const (&names)[N]) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string errno_text(const std::string& path) {
    return fmt::format("{}: {}", path, std::strerror(errno));
}

std::string name_of(const BoundSocket& socket) {
    return std::filesystem::path(socket.path).filename().string();
}

/// Sockets by whatever name: a version may have a channel that this one does not know.
Observation<std::set<std::string>> channel_names(const std::string& folder) {
    std::set<std::string> names;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(folder, error); !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const auto name = entry->path().filename().string();
        struct stat info {};
        if (lstat(entry->path().c_str(), &info) != 0) {
            if (errno == ENOENT) continue;
            return Unknown{errno_text(entry->path())};
        }
        const bool known = is_one_of(name, kSealed) || name == kTrace;
        if (known || (S_ISSOCK(info.st_mode) && !is_one_of(name, kHarmless))) names.insert(name);
    }
    if (!error) return names;
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) return std::set<std::string>{};
    return Unknown{fmt::format("{}: {}", folder, error.message())};
}

Observation<std::vector<BoundSocket>> sealed_sockets(const std::string& folder) {
    std::set<std::string> paths;
    std::error_code error;
    const auto real = std::filesystem::canonical(folder, error).string();
    for (const auto* name : kSealed) {
        paths.insert(folder + "/" + name);
        if (!error) paths.insert(real + "/" + name);
    }
    const auto list = read_kernel_text("/proc/net/unix");
    if (!list.present()) return Unknown{list.unknown() ? list.why() : std::string("there is no /proc/net/unix")};
    return find_bound_sockets(*list, paths);
}

/// Removes one name and makes sure that it was the socket's last.
std::string seal_name(const std::string& path, bool listened_on) {
    const Fd fd(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) {
        if (errno != ENOENT && errno != ENOTDIR) return "cannot look at " + errno_text(path);
        return listened_on ? path + " was taken away, and the machine still listens on it: somebody may have it by another name" : std::string();
    }
    if (unlink(path.c_str()) != 0) return "cannot remove " + errno_text(path);
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return "cannot look at " + errno_text(path);
    return info.st_nlink == 0 ? std::string() : path + " has a second name: the machine can be opened through that";
}

}  // namespace

Observation<std::set<std::string>> live_channels(const std::string& vm_folder) {
    const auto names = channel_names(vm_folder);
    if (!names.present()) return names;
    const auto sockets = sealed_sockets(vm_folder);
    if (!sockets.present()) return Unknown{sockets.why()};
    auto channels = *names;
    // Whoever may enter it reaches agent.sock, whose own mode is 0777.
    struct stat info {};
    if (stat(vm_folder.c_str(), &info) != 0 && errno != ENOENT && errno != ENOTDIR) return Unknown{errno_text(vm_folder)};
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) channels.insert(fmt::format("a folder that other users may enter (mode {:04o})", info.st_mode & ALLPERMS));
    for (const auto& socket : *sockets) {
        if (socket.connected) channels.insert("a connection to " + name_of(socket));
    }
    return channels;
}

std::string seal_channels(const std::string& vm_folder) {
    const auto before = sealed_sockets(vm_folder);
    if (!before.present()) return before.why();
    for (const auto* name : kSealed) {
        const auto path = fmt::format("{}/{}", vm_folder, name);
        const bool listened_on = std::any_of(before->begin(), before->end(), [&](const BoundSocket& s) { return s.listens && name_of(s) == name; });
        if (auto problem = seal_name(path, listened_on); !problem.empty()) return problem;
    }
    // Only now: what connects after this look finds no name.
    const auto left = live_channels(vm_folder);
    if (!left.present()) return left.why();
    return left->empty() ? std::string() : fmt::format("{} is there, after the seal", fmt::join(*left, ", "));
}

std::string clear_channels(const std::string& vm_folder) {
    const auto names = channel_names(vm_folder);
    if (!names.present()) return names.why();
    for (const auto& name : *names) {
        const auto path = fmt::format("{}/{}", vm_folder, name);
        if (!remove_if_there(path)) return "cannot remove " + errno_text(path);
    }
    return {};
}

std::string shut_folder(const std::string& vm_folder) {
    if (mkdir(vm_folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) return "cannot make " + errno_text(vm_folder);
    const Fd fd(open(vm_folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid() || fchmod(fd.get(), S_IRWXU) != 0) return "cannot keep other users out of " + errno_text(vm_folder);
    return {};
}

std::vector<BoundSocket> find_bound_sockets(std::string_view list, const std::set<std::string>& paths) {
    // Num: RefCount Protocol Flags Type St Inode Path
    constexpr unsigned kAcceptsConnections = 0x10000;  // __SO_ACCEPTCON
    constexpr std::string_view kConnecting = "02";     // SS_CONNECTING: not accepted yet
    constexpr std::string_view kConnected = "03";      // SS_CONNECTED
    std::vector<BoundSocket> found;
    while (!list.empty()) {
        const auto length = std::min(list.find('\n'), list.size());
        auto line = list.substr(0, length);
        list.remove_prefix(std::min(length + 1, list.size()));
        std::vector<std::string_view> words;
        while (words.size() < 7 && !line.empty()) {
            const auto start = std::min(line.find_first_not_of(' '), line.size());
            const auto end = std::min(line.find(' ', start), line.size());
            words.push_back(line.substr(start, end - start));
            line.remove_prefix(end);
        }
        if (words.size() < 7 || line.empty()) continue;
        const std::string path(line.substr(1));
        if (paths.count(path) == 0) continue;
        unsigned flags = 0;
        std::from_chars(words[3].data(), words[3].data() + words[3].size(), flags, 16);
        found.push_back({path, (flags & kAcceptsConnections) != 0, words[5] == kConnecting || words[5] == kConnected});
    }
    return found;
}

}  // namespace bottle
