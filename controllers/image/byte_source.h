#pragma once

#include "controllers/state/digest.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

// Bytes of an image's file, read one after another. Every read throws Error{Exit::Failed}.
namespace bottle {

/// More than this in one image is a bomb, or none that a machine of ours could hold: the largest images for agents have some 20 GiB.
inline constexpr std::uint64_t kMaxImageBytes = 64ULL << 30;

class ByteSource {
public:
    ByteSource() = default;
    virtual ~ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;

    /// At most `size` bytes into `data`; 0: the end.
    virtual std::size_t read(char* data, std::size_t size) = 0;
    /// Leaves out up to `count` bytes, where that costs nothing; returns how many.
    virtual std::uint64_t skip(std::uint64_t count);
};

/// A part of a file that stays open elsewhere; its own position is not used.
class FilePart : public ByteSource {
public:
    FilePart(int fd, std::uint64_t offset, std::uint64_t size) : fd_(fd), offset_(offset), left_(size) {}

    std::size_t read(char* data, std::size_t size) override;
    std::uint64_t skip(std::uint64_t count) override;

private:
    int fd_;
    std::uint64_t offset_;
    std::uint64_t left_;
};

/// What another source gives, with its SHA-256. Throws when there is more than `limit`.
class Counted : public ByteSource {
public:
    Counted(ByteSource& source, std::uint64_t limit) : source_(source), left_(limit) {}

    std::size_t read(char* data, std::size_t size) override;
    /// Reads on to the end; the digest is of everything.
    std::string digest_of_all();

private:
    ByteSource& source_;
    std::uint64_t left_;
    Sha256 digest_;
};

/// "sha256:" and the digest of all that a file holds.
std::string digest_of_file(int fd);

}  // namespace bottle
