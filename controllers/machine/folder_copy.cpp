#include "controllers/machine/folder_copy.h"

#include "controllers/guest/guest_files.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <vector>

namespace bottle {
namespace {

constexpr int kMaxDepth = 200;  ///< each level holds two descriptors

[[noreturn]] void fail(const std::string& what, const std::string& path, Exit exit = Exit::Failed) {
    throw Error(exit, fmt::format("cannot {} {}: {}", what, printable(path), std::strerror(errno)));
}

Fd open_folder(int at, const std::string& name, const std::string& path) {
    Fd folder(openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.valid()) fail("read", path, Exit::Precondition);
    return folder;
}

Fd open_file(int at, const std::string& name, const std::string& path) {
    Fd file(openat(at, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) fail("read", path, Exit::Precondition);
    return file;
}

struct Entry {
    std::string name;
    std::string path;  ///< for people, and for a listing
    struct stat info {};
    std::string link;  ///< a link's target

    mode_t kind() const { return info.st_mode & S_IFMT; }
    mode_t mode() const { return info.st_mode & 07777; }
    bool is_copied() const {
        return S_ISDIR(info.st_mode) || S_ISREG(info.st_mode) || S_ISLNK(info.st_mode) || S_ISFIFO(info.st_mode);
    }
};

std::string link_target(int at, const Entry& entry) {
    std::array<char, PATH_MAX> target;
    const auto size = readlinkat(at, entry.name.c_str(), target.data(), target.size());
    if (size < 0 || static_cast<std::size_t>(size) == target.size()) fail("read the link", entry.path);
    return {target.data(), static_cast<std::size_t>(size)};
}

/// What stands in a folder, by name.
std::vector<Entry> entries_of(int folder, const std::string& path, int depth) {
    if (depth > kMaxDepth) throw Error(Exit::Precondition, fmt::format("{} is nested too deep", printable(path)));
    const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(own < 0 ? nullptr : fdopendir(own), closedir);
    if (!listing) fail("read", path, Exit::Precondition);
    std::vector<Entry> entries;
    errno = 0;
    while (const auto* found = readdir(listing.get())) {
        Entry entry;
        entry.name = found->d_name;
        if (entry.name == "." || entry.name == "..") continue;
        entry.path = path + "/" + entry.name;
        if (fstatat(folder, entry.name.c_str(), &entry.info, AT_SYMLINK_NOFOLLOW) != 0) fail("look at", entry.path);
        if (S_ISLNK(entry.info.st_mode)) entry.link = link_target(folder, entry);
        entries.push_back(std::move(entry));
        errno = 0;
    }
    if (errno != 0) fail("read", path);
    std::sort(entries.begin(), entries.end(),
              [](const Entry& one, const Entry& other) { return one.name < other.name; });
    return entries;
}

// --- listing ---

void add_line(const struct stat& info, const std::string& path, const std::string& link, std::string& text) {
    text += fmt::format("{:o} {} {} {} {}.{} {}.{} ", info.st_mode, info.st_size, info.st_dev, info.st_ino,
                        info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
    text += path + '\0' + link + '\0';
}

void list(int folder, const std::string& path, int depth, std::string& text) {
    for (const auto& entry : entries_of(folder, path, depth)) {
        add_line(entry.info, entry.path, entry.link, text);
        if (S_ISDIR(entry.info.st_mode))
            list(open_folder(folder, entry.name, entry.path).get(), entry.path, depth + 1, text);
    }
}

// --- copying ---

/// Modes by which we can always read and remove our copy.
mode_t copied_mode(const Entry& entry) {
    return entry.mode() | (S_ISDIR(entry.info.st_mode) ? 0700 : 0400);
}

void copy_bytes(int from, int to, const std::string& path) {
    std::vector<char> buffer(1 << 20);
    for (;;) {
        const auto got = read(from, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("read", path, Exit::Precondition);
        if (got == 0) return;
        if (!write_all(to, {buffer.data(), static_cast<std::size_t>(got)})) fail("copy", path);
    }
}

void finish(int fd, const Entry& entry) {
    const timespec times[2] = {entry.info.st_atim, entry.info.st_mtim};
    // The mode last: a write would take the set-user-id bit away again.
    if (futimens(fd, times) != 0 || fchmod(fd, copied_mode(entry)) != 0)
        fail("set the mode of the copy of", entry.path);
}

void copy_file(int from, int to, const Entry& entry) {
    const auto source = open_file(from, entry.name, entry.path);
    const Fd copy(openat(to, entry.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!copy.valid()) fail("copy", entry.path);
    copy_bytes(source.get(), copy.get(), entry.path);
    finish(copy.get(), entry);
}

void copy_link(int to, const Entry& entry) {
    const timespec times[2] = {entry.info.st_atim, entry.info.st_mtim};
    const bool made = symlinkat(entry.link.c_str(), to, entry.name.c_str()) == 0 &&
                      utimensat(to, entry.name.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0;
    if (!made) fail("copy", entry.path);
}

void copy_entries(int from, int to, const std::string& path, int depth) {
    for (const auto& entry : entries_of(from, path, depth)) {
        if (S_ISREG(entry.info.st_mode)) copy_file(from, to, entry);
        if (S_ISLNK(entry.info.st_mode)) copy_link(to, entry);
        if (S_ISFIFO(entry.info.st_mode) && (mkfifoat(to, entry.name.c_str(), 0600) != 0 ||
                                             fchmodat(to, entry.name.c_str(), copied_mode(entry), 0) != 0))
            fail("copy", entry.path);
        if (!S_ISDIR(entry.info.st_mode)) continue;
        if (mkdirat(to, entry.name.c_str(), 0700) != 0) fail("copy", entry.path);
        const auto source = open_folder(from, entry.name, entry.path);
        const auto copy = open_folder(to, entry.name, entry.path);
        copy_entries(source.get(), copy.get(), entry.path, depth + 1);
        finish(copy.get(), entry);
    }
}

// --- comparing ---

bool same_bytes(int one, int other) {
    std::string first;
    std::string second;
    constexpr std::size_t kBlock = 1 << 20;
    for (off_t at = 0;; at += static_cast<off_t>(first.size())) {
        first.resize(kBlock);
        second.resize(kBlock);
        const auto got = pread(one, first.data(), kBlock, at);
        if (got < 0) return false;
        first.resize(static_cast<std::size_t>(got));
        second.resize(first.size());
        std::size_t done = 0;
        while (done < second.size()) {
            const auto more = pread(other, second.data() + done, second.size() - done, at + static_cast<off_t>(done));
            if (more <= 0) return false;
            done += static_cast<std::size_t>(more);
        }
        if (first != second) return false;
        if (first.empty()) return true;
    }
}

void compare(int source, int copy, const std::string& path, int depth) {
    auto wanted = entries_of(source, path, depth);
    wanted.erase(std::remove_if(wanted.begin(), wanted.end(), [](const Entry& entry) { return !entry.is_copied(); }),
                 wanted.end());
    const auto found = entries_of(copy, path, depth);
    const auto differs = [](const std::string& where) {
        throw Error(Exit::Failed, fmt::format("the copy of {} is not what it was made of: did it change meanwhile?",
                                              printable(where)));
    };
    if (wanted.size() != found.size()) differs(path);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto& want = wanted[i];
        const auto& is = found[i];
        const bool is_file = S_ISREG(want.info.st_mode);
        const bool same = want.name == is.name && want.kind() == is.kind() && want.link == is.link &&
                          (S_ISLNK(want.info.st_mode) || copied_mode(want) == is.mode()) &&
                          (!is_file || want.info.st_size == is.info.st_size);
        if (!same) differs(want.path);
        if (is_file &&
            !same_bytes(open_file(source, want.name, want.path).get(), open_file(copy, is.name, is.path).get()))
            differs(want.path);
        if (S_ISDIR(want.info.st_mode))
            compare(open_folder(source, want.name, want.path).get(), open_folder(copy, is.name, is.path).get(),
                    want.path, depth + 1);
    }
}

void remove_entries(int folder, const std::string& path, int depth) {
    // Before the look: without it even the owner may not list it.
    if (fchmod(folder, 0700) != 0) fail("remove", path);
    for (const auto& entry : entries_of(folder, path, depth)) {
        const bool is_folder = S_ISDIR(entry.info.st_mode);
        if (is_folder) {
            if ((entry.mode() & 0700) != 0700 && fchmodat(folder, entry.name.c_str(), 0700, 0) != 0)
                fail("remove", entry.path);
            remove_entries(open_folder(folder, entry.name, entry.path).get(), entry.path, depth + 1);
        }
        if (unlinkat(folder, entry.name.c_str(), is_folder ? AT_REMOVEDIR : 0) != 0) fail("remove", entry.path);
    }
}

}  // namespace

Observation<std::string> folder_listing(const std::string& folder) {
    struct stat info {};
    if (lstat(folder.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) return Absent{};
    try {
        const auto opened = open_folder(AT_FDCWD, folder, folder);
        std::string text;
        if (fstat(opened.get(), &info) != 0) fail("look at", folder);
        add_line(info, folder, "", text);
        list(opened.get(), folder, 0, text);
        return sha256_hex(text);
    } catch (const Error& error) {
        return Unknown{error.what()};
    }
}

void copy_folder(const std::string& source, const std::string& target) {
    const auto from = open_folder(AT_FDCWD, source, source);
    Entry top;
    top.path = source;
    if (fstat(from.get(), &top.info) != 0) fail("look at", source);
    if (mkdir(target.c_str(), 0700) != 0) fail("make", target);
    const auto to = open_folder(AT_FDCWD, target, target);
    copy_entries(from.get(), to.get(), source, 0);
    finish(to.get(), top);
    compare(from.get(), to.get(), source, 0);
    if (syncfs(to.get()) != 0) fail("sync", target);
}

void remove_folder(const std::string& folder) {
    struct stat info {};
    if (lstat(folder.c_str(), &info) != 0 && errno == ENOENT) return;
    if (chmod(folder.c_str(), 0700) != 0) fail("remove", folder);
    remove_entries(open_folder(AT_FDCWD, folder, folder).get(), folder, 0);
    if (rmdir(folder.c_str()) != 0) fail("remove", folder);
}

}  // namespace bottle
