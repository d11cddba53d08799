#include "controllers/log_source.h"

#include "controllers/docker/docker_controller.h"
#include "controllers/guest/guest_files.h"
#include "controllers/guest/workload_record.h"
#include "controllers/machine/machine_paths.h"
#include "manifests/error.h"
#include "reconciler/desired.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

/// A file that grows, and may become another one under the same name: what is left of the first is read before the second. Who writes it may be the
/// VMM: no link is followed, and nothing but a regular file is read.
class FileLog : public LogSource {
public:
    FileLog(std::string path, std::optional<int> tail) : path_(std::move(path)), tail_(tail) {}

    std::string next() override {
        std::string text;
        if (file_.valid()) text = rest();
        if (!file_.valid() || is_another()) {
            file_ = open_file();
            offset_ = 0;
            if (file_.valid()) text += rest();
        }
        // What is not there yet has no last lines yet.
        if (tail_ && file_.valid()) {
            text = last_lines(text, *tail_);
            tail_.reset();
        }
        return text;
    }

private:
    static constexpr std::int64_t kMost = 16 << 20;

    [[noreturn]] void failed(int error) const { throw Error(Exit::Failed, fmt::format("{} cannot be read: {}", path_, std::strerror(error))); }

    Fd open_file() const {
        auto opened = open_regular(path_, O_RDONLY);
        if (opened.problem.empty()) return std::move(opened.fd);
        if (opened.error == ENOENT || opened.error == ENOTDIR) return {};
        throw Error(Exit::Failed, opened.problem);
    }

    bool is_another() const {
        struct stat ours {};
        struct stat named {};
        if (fstat(file_.get(), &ours) != 0 || lstat(path_.c_str(), &named) != 0) return false;
        return ours.st_dev != named.st_dev || ours.st_ino != named.st_ino;
    }

    std::string rest() {
        struct stat info {};
        if (fstat(file_.get(), &info) != 0) failed(errno);
        // Emptied and written anew.
        if (info.st_size < offset_) offset_ = 0;
        offset_ = std::max<std::int64_t>(offset_, info.st_size - kMost);
        std::string text(static_cast<std::size_t>(info.st_size - offset_), '\0');
        std::size_t have = 0;
        while (have < text.size()) {
            const auto got = pread(file_.get(), text.data() + have, text.size() - have, offset_ + static_cast<off_t>(have));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) failed(errno);
            if (got == 0) break;
            have += static_cast<std::size_t>(got);
        }
        text.resize(have);
        offset_ += static_cast<std::int64_t>(have);
        return text;
    }

    std::string path_;
    std::optional<int> tail_;
    Fd file_;
    std::int64_t offset_ = 0;
};

class DockerLog : public LogSource {
public:
    DockerLog(const std::string& docker_host, std::string container, int tail)
        : engine_(make_http_engine(docker_socket(docker_host))), docker_(*engine_), container_(std::move(container)), tail_(tail) {}

    std::string next() override {
        const auto since = after(last_);
        const auto log = docker_.log(container_, since.empty() ? std::optional(tail_) : std::nullopt, since);
        if (!log.last.empty()) last_ = log.last;
        return log.text;
    }

private:
    std::unique_ptr<Engine> engine_;
    DockerController docker_;
    std::string container_;
    int tail_;
    std::string last_;
};

}  // namespace

std::unique_ptr<LogSource> open_log(const LogPlace& place) {
    constexpr int kLines = 200;
    if (place.part.empty()) return std::make_unique<FileLog>(fmt::format("{}/bottles/{}/{}", place.state_folder, place.bottle, kWorkloadLog), place.tail);
    if (place.part == "machine") return std::make_unique<FileLog>(machine_paths(place.state_folder, place.bottle).vm_folder + "/agent-console.log", place.tail);
    return std::make_unique<DockerLog>(place.docker_host, container_name(place.bottle, place.part), place.tail.value_or(kLines));
}

std::string last_lines(const std::string& text, int lines) {
    if (lines <= 0) return {};
    auto at = text.size();
    if (at > 0 && text.back() == '\n') --at;
    for (int i = 0; i < lines; ++i) {
        if (at == 0) return text;
        const auto newline = text.rfind('\n', at - 1);
        if (newline == std::string::npos) return text;
        at = newline;
    }
    return text.substr(at + 1);
}

}  // namespace bottle
