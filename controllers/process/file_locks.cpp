#include "controllers/process/proc_file.h"
#include "controllers/process/proc_table.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>
#include <sstream>

namespace bottle {
namespace {

/// The device as /proc/locks prints it: the file system's own. On btrfs and overlayfs `stat` shows another for each subvolume or layer,
/// so the mount's line in mountinfo is asked ("36 35 98:0 /root /mnt …": id, parent, device).
std::string lock_device(const struct statx& info) {
    unsigned device_major = info.stx_dev_major;
    unsigned device_minor = info.stx_dev_minor;
    if (const auto mounts = read_kernel_text("/proc/self/mountinfo"); (info.stx_mask & STATX_MNT_ID) != 0 && mounts.present()) {
        for (const auto& line : split(*mounts, '\n')) {
            std::istringstream words(line);
            std::uint64_t id = 0;
            std::uint64_t parent = 0;
            unsigned line_major = 0;
            unsigned line_minor = 0;
            char colon = 0;
            if (!(words >> id >> parent >> line_major >> colon >> line_minor) || id != info.stx_mnt_id) continue;
            device_major = line_major;
            device_minor = line_minor;
        }
    }
    return fmt::format("{:02x}:{:02x}", device_major, device_minor);
}

}  // namespace

std::optional<FileIdentity> identify_file(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return std::nullopt;
    constexpr std::int64_t kSecond = 1'000'000'000;
    return FileIdentity{path, info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec,
                        info.st_ctim.tv_sec * kSecond + info.st_ctim.tv_nsec};
}

Observation<bool> lock_is_held(const std::string& path) {
    struct statx info {};
    if (statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return Absent{};
        return Unknown{fmt::format("{}: {}", path, std::strerror(errno))};
    }
    const auto locks = read_kernel_text("/proc/locks");
    if (!locks.present()) return Unknown{locks.unknown() ? locks.why() : "/proc/locks is not there"};
    // "1: FLOCK  ADVISORY  WRITE 12345 08:02:654321 0 EOF"; "1: -> FLOCK …" waits for one that is held.
    const auto wanted = fmt::format(" {}:{} ", lock_device(info), info.stx_ino);
    for (const auto& line : split(*locks, '\n')) {
        if (line.find(wanted) != std::string::npos && line.find(" LEASE ") == std::string::npos) return true;
    }
    return false;
}

}  // namespace bottle
