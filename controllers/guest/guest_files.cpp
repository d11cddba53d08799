#include "controllers/guest/guest_files.h"

#include "manifests/error.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace bottle {

Fd::~Fd() {
    if (fd_ >= 0) close(fd_);
}

OpenedFile open_regular(const std::string& path, int flags) {
    OpenedFile file;
    file.fd = Fd(open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.fd.valid()) {
        file.error = errno;
        file.problem = fmt::format("cannot open {}: {}", path, std::strerror(file.error));
    } else if (fstat(file.fd.get(), &file.status) != 0 || !S_ISREG(file.status.st_mode)) {
        file.problem = fmt::format("{} is not a regular file", path);
    }
    return file;
}

bool read_from(int fd, std::int64_t offset, std::int64_t cap, std::string& text) {
    std::vector<char> buffer(65'536);
    for (;;) {
        ssize_t got = pread(fd, buffer.data(), buffer.size(), offset + static_cast<std::int64_t>(text.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) return true;
        if (static_cast<std::int64_t>(text.size()) + got > cap) return false;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t put = write(fd, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

std::string write_whole(const std::string& folder, const std::string& name, std::string_view text) {
    Fd place(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place.valid()) return fmt::format("cannot open {}: {}", folder, std::strerror(errno));
    std::string temporary = fmt::format(".{}.{}", name, random_hex(8));
    Fd file(openat(place.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    bool written = file.valid() && write_all(file.get(), text) && fsync(file.get()) == 0 &&
                   renameat(place.get(), temporary.c_str(), place.get(), name.c_str()) == 0;
    if (written) {
        fsync(place.get());
        return {};
    }
    std::string problem = fmt::format("cannot write {}/{}: {}", folder, name, std::strerror(errno));
    unlinkat(place.get(), temporary.c_str(), 0);
    return problem;
}

}  // namespace bottle
