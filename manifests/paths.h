#pragma once

#include <string>

namespace bottle {

/// A descriptor of what a relative path means beneath a folder, or why there is none. Who asked closes it.
struct Opened {
    int fd = -1;
    std::string problem;  ///< not empty where fd is -1
    std::string hint;
    bool absent = false;  ///< there is nothing of that name
};

/// Opens `relative` beneath `base` (absolute). Nothing that leads out of it is followed: no "..", no absolute path, no symlink on the way
/// (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, Linux 5.6). `flags` are open(2)'s; `what` is how the problem calls it: file, folder.
Opened open_beneath(const std::string& base, const std::string& relative, int flags, const char* what);

struct Resolved {
    std::string path;     ///< absolute
    std::string problem;  ///< not empty: it is none, or not beneath the folder
    std::string hint;
};

/// The folder that `relative` means beneath `base` (absolute), by the same rules.
Resolved resolve_folder(const std::string& base, const std::string& relative);
/// The same for a regular file. It is not opened for reading: who may load a manifest need not be able to read all that it names.
Resolved resolve_file(const std::string& base, const std::string& relative);

/// Whether a relative path, taken by its words alone, is absolute or begins with a way up.
bool leads_out(const std::string& relative);

/// An absolute path without empty, "." or ".." parts, other than "/", and without what Docker's own syntax would split (':', ',').
bool is_plain_absolute(const std::string& path);

}  // namespace bottle
