#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

// Whether a process without capabilities, as the VMM is, can get at a folder. From the mode bits; access lists are not looked at.
namespace bottle {

/// A folder on the way that keeps it out.
struct Impassable {
    std::string folder;
    bool there = true;       ///< false: it does not exist, or is no folder
    bool needs_read = false;  ///< it is the last one, whose content is read too

    bool operator==(const Impassable&) const = default;
};

/// The folders from / to `folder` (absolute) that a process of `uid` and `gids` cannot enter, or, for the last one, cannot enter and read;
/// outermost first. Where there is a link on the way, both its own folder and where it leads to are looked at.
std::vector<Impassable> impassable_folders(const std::string& folder, std::int64_t uid, const std::set<std::int64_t>& gids = {});

/// Whether such a process could make or remove entries in `folder`, or change its mode because it owns it.
bool writable_by(const std::string& folder, std::int64_t uid, const std::set<std::int64_t>& gids = {});

}  // namespace bottle
