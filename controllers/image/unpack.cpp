#include "controllers/image/unpack.h"

#include "controllers/guest/guest_files.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

namespace bottle {
namespace {

using Kind = TarEntry::Kind;

constexpr std::size_t kBlock = 1 << 20;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw Error(Exit::Failed, fmt::format("cannot {} {}: {}", what, printable(path), std::strerror(errno)));
}

/// With which layer it was.
template <class Work>
auto in_layer(std::size_t layer, std::size_t count, const Work& work) {
    try {
        return work();
    } catch (const Error& error) {
        throw Error(Exit::Failed, fmt::format("layer {} of {}: {}", layer + 1, count, error.what()), error.problems().front().hint);
    }
}

/// The entries of a layer, whose digest is what it shall be.
std::vector<TarEntry> list_layer(const LayerBytes& layer, std::size_t& left) {
    const auto source = layer.open();
    Unpacked plain(*source);
    Counted counted(plain, kMaxImageBytes);
    std::vector<TarEntry> entries;
    {
        TarReader reader(counted);
        while (auto entry = reader.next()) {
            if (left-- == 0) throw Error(Exit::Failed, fmt::format("it has more than {} entries", kMaxImageEntries));
            entries.push_back(std::move(*entry));
        }
    }
    const auto digest = counted.digest_of_all();
    if (!layer.diff_id.empty() && digest != layer.diff_id) throw Error(Exit::Failed, fmt::format("its content has digest {}, and the image says {}", digest, printable(layer.diff_id)));
    return entries;
}

class Writer {
public:
    Writer(const std::string& folder, const UnpackOwner& owner, const MergedTree& tree) : folder_(folder), owner_(owner), tree_(tree) {
        if (mkdir(folder.c_str(), 0700) != 0) fail("make", folder);
        root_ = Fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!root_.valid()) fail("open", folder);
        for (const auto& [path, merged] : tree_.entries) {
            if (merged.entry.kind == Kind::File) files_[merged.content].push_back(&path);
        }
    }

    void folders() {
        for (const auto& [path, merged] : tree_.entries) {
            if (merged.entry.kind == Kind::Folder && mkdirat(parent_of(path), name_of(path).c_str(), 0700) != 0) fail("make", path);
        }
    }

    /// The files of one layer that are kept, in its own order.
    void files(std::size_t number, const LayerBytes& layer, const std::vector<TarEntry>& listed) {
        const auto first = files_.lower_bound({number, 0});
        if (first == files_.end() || first->first.layer != number) return;
        const auto source = layer.open();
        Unpacked plain(*source);
        TarReader reader(plain);
        for (std::size_t index = 0; index < listed.size(); ++index) {
            const auto entry = reader.next();
            if (!entry || !(*entry == listed[index])) throw Error(Exit::Failed, "it changed while it was read");
            const auto kept = files_.find({number, index});
            if (kept != files_.end()) file(*entry, reader, kept->second);
        }
    }

    void links_and_fifos() {
        for (const auto& [path, merged] : tree_.entries) {
            if (merged.entry.kind == Kind::Link) link(path, merged.entry);
            if (merged.entry.kind == Kind::Fifo) fifo(path, merged.entry);
        }
    }

    /// The innermost first: each change in a folder is behind it then.
    void finish_folders() {
        parent_fd_.reset();
        for (auto it = tree_.entries.rbegin(); it != tree_.entries.rend(); ++it) {
            if (it->second.entry.kind == Kind::Folder) finish(beneath(it->first, O_RDONLY | O_DIRECTORY).get(), it->first, it->second.entry);
        }
        finish(root_.get(), folder_, tree_.top);
        if (syncfs(root_.get()) != 0) fail("sync", folder_);
    }

private:
    static std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

    Fd beneath(const std::string& path, int flags) const {
        open_how how{};
        how.flags = static_cast<decltype(how.flags)>(flags | O_NOFOLLOW | O_CLOEXEC);
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
        Fd found(static_cast<int>(syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
        if (!found.valid()) fail("open", path);
        return found;
    }

    /// The folder above, open. What comes next is mostly in the same one.
    int parent_of(const std::string& path) {
        const auto slash = path.rfind('/');
        if (slash == std::string::npos) return root_.get();
        auto parent = path.substr(0, slash);
        if (!parent_fd_.valid() || parent != parent_) {
            parent_fd_ = beneath(parent, O_RDONLY | O_DIRECTORY);
            parent_ = std::move(parent);
        }
        return parent_fd_.get();
    }

    mode_t mode_of(const TarEntry& entry) const {
        const bool folder = entry.kind == Kind::Folder;
        const mode_t ours = folder ? 0700 : 0400;
        const mode_t others = folder ? 0005 : 0004;
        return (entry.mode & 07777) | ours | (owner_.for_others ? others : 0);
    }

    void finish(int fd, const std::string& path, const TarEntry& entry) const {
        const timespec times[2] = {entry.changed, entry.changed};
        if (owner_.keep_ids && fchown(fd, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) != 0) fail("set the owner of", path);
        // The mode last: another owner would take the set-user-id bit away again.
        if (futimens(fd, times) != 0 || fchmod(fd, mode_of(entry)) != 0) fail("set the mode of", path);
    }

    void file(const TarEntry& entry, TarReader& reader, const std::vector<const std::string*>& paths) {
        const auto& path = *paths.front();
        const Fd made(openat(parent_of(path), name_of(path).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!made.valid()) fail("make", path);
        std::vector<char> block(std::min<std::uint64_t>(kBlock, entry.size + 1));
        std::uint64_t written = 0;
        while (const auto got = reader.read(block.data(), block.size())) {
            written += got;
            if (written > entry.size) break;
            if (!write_all(made.get(), {block.data(), got})) fail("write", path);
        }
        if (written != entry.size) throw Error(Exit::Failed, fmt::format("{} has another size than it says", printable(path)));
        finish(made.get(), path, entry);
        for (std::size_t i = 1; i < paths.size(); ++i) {
            const Fd folder = Fd(dup(parent_of(path)));
            if (!folder.valid() || linkat(folder.get(), name_of(path).c_str(), parent_of(*paths[i]), name_of(*paths[i]).c_str(), 0) != 0) fail("link", *paths[i]);
        }
    }

    void set_owner(const std::string& path, const TarEntry& entry) {
        if (owner_.keep_ids && fchownat(parent_of(path), name_of(path).c_str(), static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid), AT_SYMLINK_NOFOLLOW) != 0) fail("set the owner of", path);
    }

    void link(const std::string& path, const TarEntry& entry) {
        const timespec times[2] = {entry.changed, entry.changed};
        if (symlinkat(entry.target.c_str(), parent_of(path), name_of(path).c_str()) != 0) fail("make", path);
        set_owner(path, entry);
        if (utimensat(parent_of(path), name_of(path).c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) fail("set the time of", path);
    }

    void fifo(const std::string& path, const TarEntry& entry) {
        if (mkfifoat(parent_of(path), name_of(path).c_str(), 0600) != 0) fail("make", path);
        set_owner(path, entry);
        if (fchmodat(parent_of(path), name_of(path).c_str(), mode_of(entry), 0) != 0) fail("set the mode of", path);
    }

    const std::string& folder_;
    const UnpackOwner& owner_;
    const MergedTree& tree_;
    Fd root_;
    std::string parent_;
    Fd parent_fd_;
    std::map<EntryPlace, std::vector<const std::string*>> files_;  ///< the names of each file
};

}  // namespace

void unpack_layers(const std::vector<LayerBytes>& layers, const std::string& folder, const UnpackOwner& owner) {
    std::vector<std::vector<TarEntry>> listed;
    std::size_t left = kMaxImageEntries;
    for (std::size_t i = 0; i < layers.size(); ++i) listed.push_back(in_layer(i, layers.size(), [&] { return list_layer(layers[i], left); }));
    const auto tree = merge_layers(listed);
    Writer writer(folder, owner, tree);
    writer.folders();
    for (std::size_t i = 0; i < layers.size(); ++i) in_layer(i, layers.size(), [&] { writer.files(i, layers[i], listed[i]); });
    writer.links_and_fifos();
    writer.finish_folders();
}

}  // namespace bottle
