#include "manifests/read_file.h"

#include "manifests/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;
constexpr const char* kTooLong = "it has more than 1 MiB";
// Not blocking: a FIFO must not hold us.
constexpr int kReadOnly = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

}  // namespace

FileText read_open_file(int fd) {
    struct stat info {};
    FileText file;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) file.problem = "it is no regular file";
    std::array<char, 65536> buffer;
    while (file.problem.empty()) {
        const auto count = read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) file.problem = std::strerror(errno);
        if (count <= 0) break;
        file.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (file.text.size() > kMaxFile) file.problem = kTooLong;
    }
    close(fd);
    return file;
}

FileText read_file(const std::string& path) {
    const int fd = open(path.c_str(), kReadOnly);
    if (fd < 0) return {"", std::strerror(errno)};
    return read_open_file(fd);
}

FileText read_file_beneath(const std::string& folder, const std::string& relative) {
    auto opened = open_beneath(folder, relative, kReadOnly, "file");
    if (opened.fd < 0) return {"", std::move(opened.problem), std::move(opened.hint)};
    return read_open_file(opened.fd);
}

FileText read_stream(std::istream& stream) {
    FileText file;
    file.text.resize(kMaxFile + 1);
    stream.read(file.text.data(), static_cast<std::streamsize>(file.text.size()));
    file.text.resize(static_cast<std::size_t>(stream.gcount()));
    if (file.text.size() > kMaxFile) file.problem = kTooLong;
    return file;
}

}  // namespace bottle
