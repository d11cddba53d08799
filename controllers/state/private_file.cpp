#include "controllers/state/private_file.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>

namespace bottle {
namespace {

struct Descriptor {
    int fd;
    explicit Descriptor(int opened) : fd(opened) {}
    ~Descriptor() {
        if (fd >= 0) close(fd);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

[[noreturn]] void fail(const std::string& path, const char* what) {
    throw Error(Exit::Failed, fmt::format("{} {}: {}", what, path, std::strerror(errno)));
}

void sync_folder(const std::string& path) {
    const Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.fd < 0 || fsync(folder.fd) != 0) fail(path, "cannot sync");
}

}  // namespace

/// Nobody but root and us may be able to put another folder in the place of `path`. Links above it are followed: to have set one, somebody
/// had to own a folder that is looked at too, or is our user's own choice.
void check_above(const std::string& path, const char* way_out) {
    std::error_code error;
    auto above = std::filesystem::canonical(std::filesystem::path(path).parent_path(), error);
    if (error) throw Error(Exit::Failed, fmt::format("cannot look at {}: {}", path, error.message()));
    for (;; above = above.parent_path()) {
        struct stat info {};
        if (stat(above.c_str(), &info) != 0) fail(above, "cannot look at");
        const bool others_write = (info.st_mode & 022) != 0 && (info.st_mode & S_ISVTX) == 0;
        if (others_write || (info.st_uid != 0 && info.st_uid != geteuid())) {
            throw Error(Exit::Failed, fmt::format("{} stands in {}, where uid {}{} could exchange it", path, above.string(), info.st_uid, others_write ? " and others" : ""),
                        way_out);
        }
        if (above == above.parent_path()) return;
    }
}

/// `Text`: std::string or SecretBytes.
template <class Text>
std::optional<Text> read_checked(const std::string& path, std::size_t cap, const std::function<void(const struct stat&)>& check) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (file.fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    if (file.fd < 0) fail(path, "cannot open");
    struct stat info {};
    if (fstat(file.fd, &info) != 0) fail(path, "cannot look at");
    if (!S_ISREG(info.st_mode)) throw Error(Exit::Failed, path + " is no regular file");
    check(info);
    Text text;
    constexpr std::size_t kChunk = 65536;
    for (;;) {
        const auto had = text.size();
        text.resize(had + kChunk);
        const auto count = read(file.fd, text.data() + had, kChunk);
        text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(path, "cannot read");
        if (count == 0) return text;
        if (text.size() > cap) throw Error(Exit::Failed, fmt::format("{} has more than {} bytes", path, cap));
    }
}

std::optional<std::string> read_private_file(const std::string& path, std::size_t cap) {
    return read_checked<std::string>(path, cap, [](const struct stat&) {});
}

template <class Text>
std::optional<Text> read_own(const std::string& path, std::size_t cap, bool secret) {
    return read_checked<Text>(path, cap, [&](const struct stat& info) {
        if (info.st_uid != geteuid() && info.st_uid != 0) throw Error(Exit::Failed, fmt::format("{} belongs to uid {}, not to us", path, info.st_uid));
        if ((info.st_mode & 022) != 0) throw Error(Exit::Failed, path + " can be written by others: what it says cannot be trusted");
        if (secret && (info.st_mode & 077) != 0) throw Error(Exit::Failed, path + " can be read by others: it is no secret any more", "chmod 600 " + path);
    });
}

std::optional<std::string> read_own_file(const std::string& path, bool secret) {
    constexpr std::size_t kCap = 4096;
    return read_own<std::string>(path, kCap, secret);
}

/// False when nothing is there.
bool check_kept(const std::string& path) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) return false;
    check_above(path, "");
    if (S_ISLNK(info.st_mode)) throw Error(Exit::Failed, path + " is a link", "put the file itself there");
    return true;
}

std::optional<std::string> read_trusted_file(const std::string& path, std::size_t cap) {
    if (!check_kept(path)) return std::nullopt;
    return read_own<std::string>(path, cap, false);
}

std::optional<SecretBytes> read_secret_file(const std::string& path, std::size_t cap) {
    if (!check_kept(path)) return std::nullopt;
    return read_own<SecretBytes>(path, cap, true);
}

void write_private_file(const std::string& path, const std::string& text) {
    const auto beside = fmt::format("{}.{}.new", path, getpid());
    unlink(beside.c_str());
    {
        const Descriptor file(open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (file.fd < 0) fail(beside, "cannot make");
        std::size_t done = 0;
        while (done < text.size()) {
            const auto count = write(file.fd, text.data() + done, text.size() - done);
            if (count < 0 && errno != EINTR) fail(beside, "cannot write");
            if (count > 0) done += static_cast<std::size_t>(count);
        }
        if (fsync(file.fd) != 0) fail(beside, "cannot sync");
    }
    if (rename(beside.c_str(), path.c_str()) != 0) fail(path, "cannot replace");
    sync_folder(std::filesystem::path(path).parent_path());
}

bool link_private_file(const std::string& from, const std::string& path) {
    if (link(from.c_str(), path.c_str()) != 0) {
        if (errno == EEXIST) return false;
        fail(path, "cannot make");
    }
    sync_folder(std::filesystem::path(path).parent_path());
    return true;
}

bool remove_if_there(const std::string& path) {
    return unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR;
}

bool check_private_folder(const std::string& path) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        fail(path, "cannot look at");
    }
    if (!S_ISDIR(info.st_mode)) throw Error(Exit::Failed, path + " is no folder");
    if (info.st_uid != geteuid()) throw Error(Exit::Failed, fmt::format("{} belongs to uid {}, not to us", path, info.st_uid));
    if ((info.st_mode & 022) != 0) {
        throw Error(Exit::Failed, path + " can be written by others: what it says cannot be trusted", "chmod 700 " + path + "   after a look at what is in it");
    }
    check_above(path, "set XDG_STATE_HOME to a folder of your own");
    return true;
}

void make_private_folder(const std::string& path) {
    if (check_private_folder(path)) return;
    const auto above = std::filesystem::path(path).parent_path();
    struct stat info {};
    if (lstat(above.c_str(), &info) != 0 && errno == ENOENT) make_private_folder(above);
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail(path, "cannot make");
    check_private_folder(path);
}

}  // namespace bottle
