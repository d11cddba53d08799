#include "manifests/paths.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bottle {

namespace {

std::string hint_for_missing(const std::string& base, const std::string& relative) {
    if (!relative.empty() && relative.front() == '~') return "~ means nothing here: write the path from " + base;
    return "it is looked for beneath " + base;
}

/// For a file where a folder is wanted.
std::string hint_for_file(const std::string& name) {
    const auto extension = std::filesystem::path(name).extension();
    if (extension == ".smolmachine") return "write pack: for a pack of smolvm's";
    if (extension == ".xz") return "unpack it, and name the folder";
    const bool packed = extension == ".tar" || extension == ".tgz" || extension == ".gz" || extension == ".zst";
    return packed ? "write archive: for what `docker save` wrote; anything else has to be unpacked, and the folder named" : "name the folder of an unpacked root file system";
}

}  // namespace

Opened open_beneath(const std::string& base, const std::string& relative, int flags, const char* what) {
    const int folder = open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    open_how how{};
    how.flags = static_cast<decltype(how.flags)>(flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const int found = static_cast<int>(syscall(SYS_openat2, folder, relative.c_str(), &how, sizeof how));
    const int error = errno;
    if (folder >= 0) close(folder);
    if (found >= 0) return {found, "", ""};
    const auto shown = printable(relative);
    if (error == EXDEV) return {-1, fmt::format("{} leads out of the manifest's folder", shown), "put it beneath " + base};
    if (error == ELOOP) return {-1, fmt::format("{} leads over a symlink", shown), fmt::format("name the real {}", what)};
    if (error == ENOENT) return {-1, fmt::format("there is no {} {}", what, shown), hint_for_missing(base, relative), true};
    if (error == ENOTDIR) return {-1, fmt::format("{} is no {}", shown, what), std::string(what) == "folder" ? hint_for_file(relative) : ""};
    return {-1, fmt::format("{} cannot be opened: {}", shown, std::strerror(error)), ""};
}

Resolved resolve_folder(const std::string& base, const std::string& relative) {
    auto opened = open_beneath(base, relative, O_PATH | O_DIRECTORY | O_CLOEXEC, "folder");
    if (opened.fd < 0) return {"", std::move(opened.problem), std::move(opened.hint)};
    close(opened.fd);
    return {(std::filesystem::path(base) / relative).lexically_normal(), "", ""};
}

Resolved resolve_file(const std::string& base, const std::string& relative) {
    auto opened = open_beneath(base, relative, O_PATH | O_CLOEXEC, "file");
    if (opened.fd < 0) return {"", std::move(opened.problem), std::move(opened.hint)};
    struct stat info {};
    const bool known = fstat(opened.fd, &info) == 0;
    close(opened.fd);
    const auto shown = printable(relative);
    if (known && S_ISDIR(info.st_mode)) return {"", fmt::format("{} is a folder", shown), "write rootfs: for an unpacked root file system"};
    if (!known || !S_ISREG(info.st_mode)) return {"", fmt::format("{} is no regular file", shown), "name the file itself"};
    return {(std::filesystem::path(base) / relative).lexically_normal(), "", ""};
}

bool leads_out(const std::string& relative) {
    const auto plain = std::filesystem::path(relative).lexically_normal();
    return plain.is_absolute() || (!plain.empty() && *plain.begin() == "..");
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
