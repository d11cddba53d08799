#pragma once

#include "controllers/image/tar_reader.h"

#include <map>
#include <memory>
#include <string>

namespace bottle {

/// A plain tar with random access to its members: an image's archive, or what a pack holds.
class ImageTar {
public:
    /// `fd`: stays open as long as this. Throws Error{Exit::Failed} for what is no tar.
    explicit ImageTar(int fd);

    bool has(const std::string& name) const { return members_.count(name) > 0; }
    /// A member as one text, of at most 8 MiB. Throws Error{Exit::Failed} also where there is none.
    std::string text(const std::string& name) const;
    /// A member's bytes. A link is followed to the member that it means (`docker save` of 20.10 writes a layer that two images share once).
    std::unique_ptr<ByteSource> open(const std::string& name) const;

private:
    struct Member {
        std::size_t index = 0;
        TarEntry entry;
    };
    const Member& find(const std::string& name) const;

    int fd_;
    std::uint64_t size_;
    std::map<std::string, Member> members_;  ///< by plain path
};

}  // namespace bottle
