#include "manifests/agent_files.h"

#include "manifests/paths.h"
#include "manifests/read_file.h"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace bottle {
namespace {

// Not blocking: a FIFO must not hold us.
constexpr int kReadOnly = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
constexpr const char* kSkillFile = "SKILL.md";
constexpr int kMaxDepth = 8;             ///< of folders in a skill; codex looks 6 deep
constexpr std::size_t kMaxPath = 255;    ///< of a file in a skill: the guest's program has a line for it

AgentFiles refused(std::string problem, std::string hint = {}) {
    return {{}, false, std::move(problem), std::move(hint)};
}

AgentFiles not_opened(Opened opened) {
    return {{}, opened.absent, std::move(opened.problem), std::move(opened.hint)};
}

class SkillReader {
public:
    explicit SkillReader(std::string shown) : shown_(std::move(shown)) {}

    AgentFiles read(int folder) {
        read_folder(folder, "", 0);
        if (!problem_.empty()) return refused(std::move(problem_), std::move(hint_));
        std::sort(files_.begin(), files_.end(), [](const AgentFile& a, const AgentFile& b) { return a.path < b.path; });
        const bool whole = std::any_of(files_.begin(), files_.end(), [](const AgentFile& file) { return file.path == kSkillFile; });
        if (!whole) return refused(fmt::format("{} has no {}", shown_, kSkillFile), "a skill is a folder with that file");
        return {std::move(files_), false, ""};
    }

private:
    void refuse(const std::string& path, const std::string& why, std::string hint = {}) {
        if (!problem_.empty()) return;
        problem_ = fmt::format("{}{}{} {}", shown_, path.empty() ? "" : "/", printable(path), why);
        hint_ = std::move(hint);
    }

    /// Takes the descriptor.
    void read_folder(int fd, const std::string& path, int depth) {
        const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(fd), closedir);
        if (!listing) {
            refuse(path, std::string("cannot be read: ") + std::strerror(errno));
            close(fd);
            return;
        }
        if (depth > kMaxDepth) return refuse(path, fmt::format("is more than {} folders deep", kMaxDepth));
        errno = 0;
        while (const auto* entry = problem_.empty() ? readdir(listing.get()) : nullptr) {
            const std::string name = entry->d_name;
            if (name != "." && name != "..") read_entry(dirfd(listing.get()), name, path.empty() ? name : path + "/" + name, depth);
            errno = 0;
        }
        if (errno != 0) refuse(path, std::string("cannot be read: ") + std::strerror(errno));
    }

    void read_entry(int folder, const std::string& name, const std::string& path, int depth) {
        if (printable(name) != name) return refuse(path, "has a name that is no plain text", "give it another name");
        if (path.size() > kMaxPath) return refuse(path, fmt::format("has a path of more than {} bytes", kMaxPath));
        const int fd = openat(folder, name.c_str(), kReadOnly | O_NOFOLLOW);
        if (fd < 0 && errno == ELOOP) return refuse(path, "is a symlink", "put the real file there");
        // A socket cannot be opened at all.
        if (fd < 0) return refuse(path, std::string("cannot be read: ") + std::strerror(errno));
        struct stat info {};
        if (fstat(fd, &info) != 0 || !(S_ISDIR(info.st_mode) || S_ISREG(info.st_mode))) {
            close(fd);
            return refuse(path, "is neither a file nor a folder", "leave it out");
        }
        if (S_ISDIR(info.st_mode)) return read_folder(fd, path, depth + 1);
        auto file = read_open_file(fd);
        if (!file.problem.empty()) return refuse(path, "cannot be read: " + file.problem);
        size_ += file.text.size();
        if (size_ > kMaxSkill) return refuse("", "has more than 1 MiB", "what is large belongs into the root file system");
        if (files_.size() == kMaxSkillFiles) return refuse("", fmt::format("has more than {} files", kMaxSkillFiles), "what is large belongs into the root file system");
        files_.push_back({path, (info.st_mode & S_IXUSR) != 0, std::move(file.text)});
    }

    std::string shown_;
    std::vector<AgentFile> files_;
    std::size_t size_ = 0;
    std::string problem_;
    std::string hint_;
};

}  // namespace

AgentFiles read_prompt(const CopySpec& source) {
    auto opened = open_beneath(source.folder, source.path, kReadOnly, "file");
    if (opened.fd < 0) return not_opened(std::move(opened));
    const auto shown = printable(source.path);
    auto file = read_open_file(opened.fd);
    if (!file.problem.empty()) return refused(fmt::format("{} cannot be read: {}", shown, file.problem));
    if (file.text.size() > kMaxPrompt) return refused(fmt::format("{} has {} bytes, and a prompt at most {}", shown, file.text.size(), kMaxPrompt), "put the rest into a skill");
    if (file.text.find('\0') != std::string::npos) return refused(fmt::format("{} is no text", shown));
    return {{{".", false, std::move(file.text)}}, false, ""};
}

AgentFiles read_skill(const CopySpec& source) {
    auto opened = open_beneath(source.folder, source.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, "folder");
    if (opened.fd < 0) return not_opened(std::move(opened));
    return SkillReader(printable(source.path)).read(opened.fd);
}

bool is_skill_name(const std::string& name) {
    constexpr std::size_t kMaxName = 64;
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !name.empty() && name.size() <= kMaxName && plain(name.front()) && plain(name.back()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
}

std::string copy_header(const AgentFile& file) {
    return fmt::format("{} {} {}\n", file.executable ? 'x' : '-', file.content.size(), file.path);
}

std::string copy_text(const std::vector<AgentFile>& files) {
    std::string text;
    for (const auto& file : files) text += copy_header(file) + file.content;
    return text;
}

}  // namespace bottle
