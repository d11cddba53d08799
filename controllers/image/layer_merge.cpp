#include "controllers/image/layer_merge.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace bottle {
namespace {

using Kind = TarEntry::Kind;

// The image specification's own names (opencontainers/image-spec, layer.md).
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
/// What aufs kept for itself; Docker passes over it.
constexpr std::string_view kMeta = ".wh..wh.";

constexpr std::size_t kMaxPath = 4000;  ///< PATH_MAX with room
constexpr std::size_t kMaxName = 255;   ///< NAME_MAX
constexpr std::int64_t kMaxId = 0xFFFFFFFE;
constexpr unsigned kMissingFolderMode = 0755;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw Error(Exit::Failed, fmt::format("{} {}", printable(path), why));
}

std::string_view last_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view above(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string beneath(std::string_view folder, std::string_view name) {
    return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

TarEntry missing_folder(const std::string& path) {
    TarEntry folder;
    folder.kind = Kind::Folder;
    folder.path = path;
    folder.mode = kMissingFolderMode;
    return folder;
}

/// One entry of a layer with its plain path.
struct Item {
    const TarEntry* entry;
    std::string path;
    std::size_t index;
};

class Merge {
public:
    Merge() { tree_.top = missing_folder(""); }

    void add_layer(const std::vector<TarEntry>& entries) {
        std::vector<Item> items;
        for (std::size_t index = 0; index < entries.size(); ++index) {
            check(entries[index]);
            auto path = plain_image_path(entries[index].path);
            if (last_of(path).starts_with(kWhiteout)) white_out(path);
            else items.push_back({&entries[index], std::move(path), index});
        }
        // After all whiteouts: they are about earlier layers only, wherever they stand.
        for (const auto& item : items) add(item);
        ++layer_;
    }

    MergedTree take() && { return std::move(tree_); }

private:
    void check(const TarEntry& entry) {
        if (++count_ > kMaxImageEntries) throw Error(Exit::Failed, fmt::format("it has more than {} entries", kMaxImageEntries));
        bytes_ += entry.size;
        if (entry.size > kMaxImageBytes || bytes_ > kMaxImageBytes) throw Error(Exit::Failed, fmt::format("it unpacks to more than {} GiB", kMaxImageBytes >> 30));
        if (entry.uid < 0 || entry.uid > kMaxId || entry.gid < 0 || entry.gid > kMaxId) refuse(entry.path, "has an owner that no system has");
    }

    void white_out(const std::string& path) {
        const auto name = last_of(path);
        const std::string folder(above(path));
        if (name == kOpaque) return erase_beneath(folder);
        if (name.starts_with(kMeta)) return;
        const auto hidden = name.substr(kWhiteout.size());
        if (hidden.empty() || hidden == "." || hidden == "..") refuse(path, "is a whiteout of nothing");
        erase(beneath(folder, hidden));
    }

    void add(const Item& item) {
        if (item.path.empty()) {
            if (item.entry->kind != Kind::Folder) refuse(item.entry->path, "is in the place of the root folder");
            tree_.top = *item.entry;
            return;
        }
        make_folders_above(item.path);
        auto merged = entry_of(item);
        merged.entry.path = item.path;
        const auto found = tree_.entries.find(item.path);
        const bool both_folders = found != tree_.entries.end() && found->second.entry.kind == Kind::Folder && merged.entry.kind == Kind::Folder;
        if (!both_folders) erase(item.path);
        layers_[item.path] = layer_;
        tree_.entries[item.path] = std::move(merged);
    }

    MergedEntry entry_of(const Item& item) {
        if (item.entry->kind != Kind::HardLink) return {*item.entry, {layer_, item.index}};
        const auto target = plain_image_path(item.entry->target);
        const auto found = tree_.entries.find(target);
        if (found == tree_.entries.end()) refuse(item.entry->path, fmt::format("is a hard link to {}, which is not there", printable(item.entry->target)));
        if (found->second.entry.kind == Kind::Folder) refuse(item.entry->path, "is a hard link to a folder");
        return found->second;
    }

    void make_folders_above(const std::string& path) {
        for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            const auto folder = path.substr(0, slash);
            if (last_of(folder).starts_with(kWhiteout)) refuse(path, "stands in a whiteout");
            const auto found = tree_.entries.find(folder);
            if (found != tree_.entries.end() && found->second.entry.kind == Kind::Folder) continue;
            if (found != tree_.entries.end() && layers_[folder] == layer_) refuse(path, fmt::format("leads over {}, which is no folder", printable(folder)));
            erase(folder);
            layers_[folder] = layer_;
            tree_.entries[folder] = {missing_folder(folder), {layer_, 0}};
        }
    }

    void erase(const std::string& path) {
        erase_beneath(path);
        tree_.entries.erase(path);
        layers_.erase(path);
    }

    /// Everything beneath a folder; of the root everything.
    void erase_beneath(const std::string& folder) {
        erase_range(tree_.entries, folder);
        erase_range(layers_, folder);
    }

    template <class Map>
    static void erase_range(Map& map, const std::string& folder) {
        if (folder.empty()) return map.clear();
        // '0' is the character after '/'.
        map.erase(map.lower_bound(folder + "/"), map.lower_bound(folder + "0"));
    }

    MergedTree tree_;
    std::map<std::string, std::size_t> layers_;  ///< which layer made a path what it is
    std::size_t layer_ = 0;
    std::size_t count_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace

std::string plain_image_path(const std::string& path) {
    if (path.find('\0') != std::string::npos) refuse(path, "has a byte that no name has");
    // "/" alone is what some builders call the root folder.
    if (path.starts_with('/') && path.find_first_not_of('/') != std::string::npos) refuse(path, "is an absolute path");
    std::string plain;
    std::size_t depth = 0;
    for (std::size_t begin = 0; begin < path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        const auto part = path.substr(begin, end - begin);
        begin = end + 1;
        if (part.empty() || part == ".") continue;
        if (part == "..") refuse(path, "leads up");
        if (part.size() > kMaxName) refuse(path.substr(0, kMaxName) + "…", "has a name that is too long");
        if (++depth > kMaxImageDepth) refuse(path.substr(0, kMaxName) + "…", fmt::format("is nested more than {} deep", kMaxImageDepth));
        plain += plain.empty() ? part : "/" + part;
    }
    if (plain.size() > kMaxPath) refuse(path.substr(0, kMaxName) + "…", "is too long");
    return plain;
}

MergedTree merge_layers(const std::vector<std::vector<TarEntry>>& layers) {
    Merge merge;
    for (const auto& layer : layers) merge.add_layer(layer);
    return std::move(merge).take();
}

}  // namespace bottle
