#pragma once

#include <string>

namespace bottle {

struct ResolvedFolder {
    std::string path;     ///< absolute
    std::string problem;  ///< not empty: it is none, or not beneath the folder
    std::string hint;
};

/// The folder that `relative` means beneath `base` (absolute). Nothing that leads out of it is followed: no "..", no absolute path, no symlink
/// on the way (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, Linux 5.6).
ResolvedFolder resolve_folder(const std::string& base, const std::string& relative);

/// An absolute path without empty, "." or ".." parts, other than "/", and without what Docker's own syntax would split (':', ',').
bool is_plain_absolute(const std::string& path);

}  // namespace bottle
