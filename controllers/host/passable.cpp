#include "controllers/host/passable.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace bottle {
namespace {

constexpr unsigned kEnter = 01;
constexpr unsigned kWrite = 02;
constexpr unsigned kRead = 04;

/// Bits of the one class of the mode that applies: an owner or group that is denied is not helped by what others may.
unsigned access_of(const struct stat& info, std::int64_t uid, const std::set<std::int64_t>& gids) {
    const unsigned shift = static_cast<std::int64_t>(info.st_uid) == uid ? 6 : gids.count(info.st_gid) != 0 ? 3 : 0;
    return info.st_mode >> shift & 7;
}

/// Folders from / to `folder`, by its own words and by the real ones.
std::vector<std::filesystem::path> way_to(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> way;
    const auto add = [&way](const std::filesystem::path& end) {
        std::filesystem::path path;
        for (const auto& part : end) {
            path /= part;
            if (!part.empty() && std::find(way.begin(), way.end(), path) == way.end()) way.push_back(path);
        }
    };
    add(folder.lexically_normal());
    std::error_code error;
    if (const auto real = std::filesystem::canonical(folder, error); !error) add(real);
    return way;
}

bool same_file(const struct stat& one, const struct stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

std::vector<Impassable> impassable_folders(const std::string& folder, std::int64_t uid, const std::set<std::int64_t>& gids) {
    struct stat last {};
    const bool last_there = stat(folder.c_str(), &last) == 0;
    std::vector<Impassable> impassable;
    for (const auto& path : way_to(folder)) {
        struct stat info {};
        if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
            impassable.push_back({path, false, false});
            break;
        }
        const bool is_last = last_there && same_file(info, last);
        const unsigned needed = is_last ? kEnter | kRead : kEnter;
        if ((access_of(info, uid, gids) & needed) != needed) impassable.push_back({path, true, is_last});
    }
    return impassable;
}

bool writable_by(const std::string& folder, std::int64_t uid, const std::set<std::int64_t>& gids) {
    struct stat info {};
    if (stat(folder.c_str(), &info) != 0) return false;
    return static_cast<std::int64_t>(info.st_uid) == uid || (access_of(info, uid, gids) & kWrite) != 0;
}

}  // namespace bottle
