#pragma once

#include "controllers/image/byte_source.h"

#include <ctime>
#include <memory>
#include <optional>
#include <string>

// Tars by libarchive, which only the source beside this includes.
namespace bottle {

/// One entry, as it stands in the tar: neither its path nor its target is to be trusted.
struct TarEntry {
    enum class Kind { Folder, File, Link, HardLink, Fifo, Device };
    Kind kind = Kind::File;
    std::string path;
    std::string target;  ///< of a link, and of a hard link
    unsigned mode = 0;   ///< permissions, with set-user-id, set-group-id and sticky
    std::int64_t uid = 0;
    std::int64_t gid = 0;
    std::uint64_t size = 0;
    timespec changed{};

    bool operator==(const TarEntry& other) const {
        return kind == other.kind && path == other.path && target == other.target && mode == other.mode && uid == other.uid && gid == other.gid && size == other.size &&
               changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
    }
};

/// The entries of a plain tar, one after another (ustar, pax, GNU). Everything throws Error{Exit::Failed} for what is none, or breaks off.
class TarReader {
public:
    explicit TarReader(ByteSource& source);
    ~TarReader();
    TarReader(const TarReader&) = delete;
    TarReader& operator=(const TarReader&) = delete;

    /// Nothing at the end.
    std::optional<TarEntry> next();
    /// Of the content of the entry that `next` gave last: 0 at its end.
    std::size_t read(char* data, std::size_t size);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// What a source holds once it is unpacked, by its first bytes: gzip and zstd are, anything else is given as it is. Refused are the packings that no
/// image has today (xz, bzip2).
class Unpacked : public ByteSource {
public:
    explicit Unpacked(ByteSource& source);
    ~Unpacked() override;

    std::size_t read(char* data, std::size_t size) override;
    bool was_packed() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bottle
