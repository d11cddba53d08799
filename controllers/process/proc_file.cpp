#include "controllers/process/proc_file.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

namespace bottle {
namespace {

constexpr std::size_t kMaxText = 16 << 20;

}  // namespace

Observation<std::string> read_kernel_text(const std::string& path) {
    const auto failed = [&]() -> Observation<std::string> {
        // ESRCH: the process ended between open and read.
        if (errno == ENOENT || errno == ESRCH) return Absent{};
        return Unknown{fmt::format("{}: {}", path, std::strerror(errno))};
    };
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed();
    std::string text;
    std::array<char, 65536> buffer;
    for (;;) {
        const auto count = read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            auto answer = failed();
            close(fd);
            return answer;
        }
        if (count == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > kMaxText) {
            close(fd);
            return Unknown{fmt::format("{} has more than {} bytes", path, kMaxText)};
        }
    }
    close(fd);
    return text;
}

Observation<std::string> read_proc(std::int64_t pid, const char* file) {
    return read_kernel_text(fmt::format("/proc/{}/{}", pid, file));
}

Observation<std::vector<std::string>> stat_fields(std::int64_t pid) {
    const auto text = read_proc(pid, "stat");
    if (text.absent()) return Absent{};
    if (text.unknown()) return Unknown{text.why()};
    const auto end = text->rfind(')');
    if (end == std::string::npos || end + 2 >= text->size()) return Unknown{fmt::format("/proc/{}/stat makes no sense", pid)};
    return split(text->substr(end + 2), ' ');
}

bool alive(std::int64_t pid) {
    const auto fields = stat_fields(pid);
    if (fields.absent()) return false;
    return fields.unknown() || fields->empty() || (fields->front() != "Z" && fields->front() != "X");
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

}  // namespace bottle
