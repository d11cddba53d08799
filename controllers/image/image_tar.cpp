#include "controllers/image/image_tar.h"

#include "controllers/image/layer_merge.h"
#include "manifests/error.h"

#include <fmt/format.h>

#include <sys/stat.h>

#include <filesystem>
#include <vector>

namespace bottle {
namespace {

constexpr std::size_t kMaxText = 8 << 20;
constexpr std::size_t kBlock = 1 << 16;
/// An archive has a few members for each of its layers, of which there are at most some hundred (127 with overlay2).
constexpr std::size_t kMaxMembers = 100'000;
constexpr int kMaxLinks = 8;

std::uint64_t size_of(int fd) {
    struct stat info {};
    if (fstat(fd, &info) != 0) throw Error(Exit::Failed, "its size cannot be read");
    return static_cast<std::uint64_t>(info.st_size);
}

/// The content of one entry, found anew from the tar's beginning: libarchive passes over what is before it without reading.
class MemberBytes : public ByteSource {
public:
    MemberBytes(int fd, std::uint64_t size, std::size_t index) : file_(fd, 0, size), reader_(file_) {
        for (std::size_t i = 0; i <= index; ++i) {
            if (!reader_.next()) throw Error(Exit::Failed, "it changed while it was read");
        }
    }

    std::size_t read(char* data, std::size_t size) override { return reader_.read(data, size); }

private:
    FilePart file_;
    TarReader reader_;
};

/// What a link in the tar means, as a plain path.
std::string meant_by(const TarEntry& entry, const std::string& name) {
    if (entry.kind == TarEntry::Kind::HardLink) return plain_image_path(entry.target);
    const auto folder = std::filesystem::path(name).parent_path();
    return plain_image_path((folder / entry.target).lexically_normal().string());
}

}  // namespace

ImageTar::ImageTar(int fd) : fd_(fd), size_(size_of(fd)) {
    FilePart file(fd_, 0, size_);
    TarReader reader(file);
    std::size_t index = 0;
    while (auto entry = reader.next()) {
        if (index >= kMaxMembers) throw Error(Exit::Failed, fmt::format("it has more than {} members: it is no image", kMaxMembers));
        auto name = plain_image_path(entry->path);
        members_[std::move(name)] = {index++, std::move(*entry)};
    }
}

const ImageTar::Member& ImageTar::find(const std::string& name) const {
    auto wanted = plain_image_path(name);
    for (int links = 0; links <= kMaxLinks; ++links) {
        const auto found = members_.find(wanted);
        if (found == members_.end()) throw Error(Exit::Failed, fmt::format("it names {}, and does not hold it", printable(name)));
        const auto& entry = found->second.entry;
        if (entry.kind == TarEntry::Kind::File) return found->second;
        if (entry.kind != TarEntry::Kind::Link && entry.kind != TarEntry::Kind::HardLink) throw Error(Exit::Failed, fmt::format("{} in it is no file", printable(name)));
        wanted = meant_by(entry, wanted);
    }
    throw Error(Exit::Failed, fmt::format("{} in it is a link that leads nowhere", printable(name)));
}

std::string ImageTar::text(const std::string& name) const {
    const auto& member = find(name);
    if (member.entry.size > kMaxText) throw Error(Exit::Failed, fmt::format("{} in it has more than {} MiB", printable(name), kMaxText >> 20));
    MemberBytes bytes(fd_, size_, member.index);
    std::string text;
    std::vector<char> block(kBlock);
    while (const auto got = bytes.read(block.data(), block.size())) text.append(block.data(), got);
    return text;
}

std::unique_ptr<ByteSource> ImageTar::open(const std::string& name) const {
    return std::make_unique<MemberBytes>(fd_, size_, find(name).index);
}

}  // namespace bottle
