#include "controllers/host/socket_folder.h"

#include "controllers/guest/guest_files.h"
#include "controllers/state/private_file.h"
#include "reconciler/socket_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

namespace bottle {
namespace {

constexpr unsigned kPermissions = 07777;

Outcome failed(const std::string& what, const std::string& path) {
    return {Outcome::Kind::Failed, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)), {}};
}

Fd open_folder(const std::string& path) {
    return Fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// Names in an open folder; false when they cannot be read.
bool read_names(int folder, std::vector<std::string>& names) {
    const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(own < 0 ? nullptr : fdopendir(own), closedir);
    if (!stream) return false;
    errno = 0;
    while (const auto* entry = readdir(stream.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return errno == 0;
}

/// The folder in which root keeps those of all bottles: others may pass it, and only root writes in it.
Outcome make_common_folder(const std::string& path) {
    constexpr mode_t kPassable = 0711;
    if (mkdir(path.c_str(), kPassable) != 0 && errno != EEXIST) return failed("make", path);
    const auto folder = open_folder(path);
    struct stat info {};
    if (!folder.valid() || fstat(folder.get(), &info) != 0) return failed("open", path);
    if (info.st_uid != 0) return {Outcome::Kind::Failed, fmt::format("{} belongs to uid {}, not to root", path, info.st_uid), "remove it, after a look at what is in it"};
    if (fchmod(folder.get(), kPassable) != 0) return failed("set the mode of", path);
    return {};
}

}  // namespace

Observation<SocketPlace> look_at_socket_folder(const std::string& path) {
    const auto folder = open_folder(path);
    if (!folder.valid() && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return Absent{};
    struct stat info {};
    std::vector<std::string> names;
    if (!folder.valid() || fstat(folder.get(), &info) != 0 || !read_names(folder.get(), names)) return Unknown{fmt::format("{}: {}", path, std::strerror(errno))};
    SocketPlace place{info.st_uid, info.st_gid, info.st_mode & kPermissions, {}};
    for (const auto& name : names) {
        if (fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return Unknown{fmt::format("{}/{}: {}", path, name, std::strerror(errno))};
        place.entries.push_back({name, S_ISSOCK(info.st_mode), info.st_uid, info.st_gid, info.st_mode & kPermissions, info.st_dev, info.st_ino,
                                 info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec});
    }
    return place;
}

Outcome make_socket_folder(const SocketFolder& want) {
    const auto above = std::filesystem::path(want.path).parent_path();
    if (geteuid() == 0) {
        if (auto outcome = make_common_folder(above); outcome.kind != Outcome::Kind::Done) return outcome;
    } else {
        make_private_folder(above);
    }
    if (mkdir(want.path.c_str(), 0700) != 0 && errno != EEXIST) return failed("make", want.path);
    const auto folder = open_folder(want.path);
    std::vector<std::string> names;
    if (!folder.valid() || !read_names(folder.get(), names)) return failed("open", want.path);
    for (const auto& name : names) {
        if (unlinkat(folder.get(), name.c_str(), 0) != 0) return failed("remove", want.path + "/" + name);
    }
    if (want.gid >= 0 && fchown(folder.get(), static_cast<uid_t>(want.uid), static_cast<gid_t>(want.gid)) != 0) return failed("give away", want.path);
    if (fchmod(folder.get(), folder_mode(want)) != 0) return failed("set the mode of", want.path);
    return {};
}

Outcome wait_for_socket(const std::string& path, std::chrono::milliseconds patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return {Outcome::Kind::Failed, fmt::format("{} is too long for a socket's path", path), {}};
    path.copy(address.sun_path, path.size());
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
        if (std::chrono::steady_clock::now() >= end) return failed("connect to infra's socket", path);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

}  // namespace bottle
