#include "manifests/find_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

namespace bottle {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxFiles = 10'000;

bool has_manifest_name(const fs::path& path) {
    return path.extension() == ".yaml" || path.extension() == ".yml";
}

class Finder {
public:
    Finder(bool recursive, std::vector<Problem>& problems) : recursive_(recursive), problems_(problems) {}

    void name(const std::string& path) {
        std::error_code none;
        if (path == "-" || !fs::is_directory(path, none)) return add(path, false);
        const auto files = files_.size();
        const auto problems = problems_.size();
        const bool has_folders = walk(path, 0);
        if (files_.size() > files || problems_.size() > problems) return;
        refuse(path, "there is no *.yaml or *.yml in this folder", has_folders && !recursive_ ? "-R reads the folders in it too" : "");
    }

    std::vector<NamedFile> take() { return std::move(files_); }

private:
    void refuse(const std::string& folder, std::string what, std::string hint = {}) { problems_.push_back({Place{folder, 0, 0}, std::move(what), std::move(hint), {}}); }

    void add(const std::string& path, bool in_folder) {
        const auto plain = path == "-" ? path : fs::path(path).lexically_normal().string();
        if (!seen_.insert(plain).second) return;
        files_.push_back({path, in_folder});
    }

    /// Whether there are folders in it.
    bool walk(const fs::path& folder, int depth) {
        if (depth > kMaxDepth) {
            refuse(folder, fmt::format("it is more than {} folders deep", kMaxDepth));
            return false;
        }
        std::error_code error;
        std::vector<fs::directory_entry> entries;
        for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) entries.push_back(*at);
        if (error) {
            refuse(folder, "the folder cannot be read: " + error.message());
            return false;
        }
        std::sort(entries.begin(), entries.end());
        bool has_folders = false;
        for (const auto& entry : entries) {
            if (entry.path().filename().string().front() == '.') continue;
            if (entry.is_directory(error)) {
                if (entry.is_symlink(error)) continue;
                has_folders = true;
                if (recursive_) walk(entry.path(), depth + 1);
            } else if (has_manifest_name(entry.path())) {
                if (files_.size() < kMaxFiles) add(entry.path().string(), true);
                else return refuse_number(folder);
            }
        }
        return has_folders;
    }

    bool refuse_number(const fs::path& folder) {
        if (!too_many_) refuse(folder, fmt::format("there are more than {} manifests", kMaxFiles));
        too_many_ = true;
        return false;
    }

    bool recursive_;
    std::vector<Problem>& problems_;
    std::vector<NamedFile> files_;
    std::set<std::string> seen_;
    bool too_many_ = false;
};

}  // namespace

std::vector<NamedFile> find_files(const std::vector<std::string>& named, bool recursive, std::vector<Problem>& problems) {
    Finder finder(recursive, problems);
    for (const auto& path : named) finder.name(path);
    return finder.take();
}

}  // namespace bottle
