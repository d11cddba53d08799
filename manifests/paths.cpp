#include "manifests/paths.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bottle {

ResolvedFolder resolve_folder(const std::string& base, const std::string& relative) {
    const int folder = open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const int found = static_cast<int>(syscall(SYS_openat2, folder, relative.c_str(), &how, sizeof how));
    const int error = errno;
    if (folder >= 0) close(folder);
    if (found >= 0) {
        close(found);
        return {(std::filesystem::path(base) / relative).lexically_normal(), "", ""};
    }
    const auto shown = printable(relative);
    if (error == EXDEV) return {"", fmt::format("{} leads out of the manifest's folder", shown), "put it beneath " + base};
    if (error == ELOOP) return {"", fmt::format("{} leads over a symlink", shown), "name the real folder"};
    if (error == ENOENT) return {"", fmt::format("there is no folder {}", shown), "it is looked for beneath " + base};
    if (error == ENOTDIR) return {"", fmt::format("{} is no folder", shown), ""};
    return {"", fmt::format("{} cannot be opened: {}", shown, std::strerror(error)), ""};
}

bool is_plain_absolute(const std::string& path) {
    if (path.size() < 2 || path.front() != '/' || path.find_first_of(":,") != std::string::npos) return false;
    std::size_t begin = 1;
    while (begin <= path.size()) {
        const auto end = std::min(path.find('/', begin), path.size());
        const auto part = path.substr(begin, end - begin);
        if (part.empty() || part == "." || part == "..") return false;
        begin = end + 1;
    }
    return true;
}

}  // namespace bottle
