#include "controllers/image/byte_source.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace bottle {
namespace {

constexpr std::size_t kBlock = 1 << 20;

}  // namespace

std::uint64_t ByteSource::skip(std::uint64_t) {
    return 0;
}

std::size_t FilePart::read(char* data, std::size_t size) {
    const auto wanted = std::min<std::uint64_t>(size, left_);
    if (wanted == 0) return 0;
    ssize_t got = -1;
    do got = pread(fd_, data, wanted, static_cast<off_t>(offset_));
    while (got < 0 && errno == EINTR);
    if (got < 0) throw Error(Exit::Failed, fmt::format("cannot read on: {}", std::strerror(errno)));
    if (got == 0) throw Error(Exit::Failed, "the file ends too early");
    offset_ += static_cast<std::uint64_t>(got);
    left_ -= static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
}

std::uint64_t FilePart::skip(std::uint64_t count) {
    const auto skipped = std::min(count, left_);
    offset_ += skipped;
    left_ -= skipped;
    return skipped;
}

std::size_t Counted::read(char* data, std::size_t size) {
    const auto got = source_.read(data, size);
    if (got > left_) throw Error(Exit::Failed, fmt::format("it unpacks to more than {} GiB", kMaxImageBytes >> 30));
    left_ -= got;
    digest_.add({data, got});
    return got;
}

std::string Counted::digest_of_all() {
    std::vector<char> block(kBlock);
    while (read(block.data(), block.size()) > 0) continue;
    return "sha256:" + digest_.hex();
}

std::string digest_of_file(int fd) {
    Sha256 digest;
    std::vector<char> block(kBlock);
    for (off_t at = 0;;) {
        const auto got = pread(fd, block.data(), block.size(), at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw Error(Exit::Failed, fmt::format("cannot read on: {}", std::strerror(errno)));
        if (got == 0) return "sha256:" + digest.hex();
        digest.add({block.data(), static_cast<std::size_t>(got)});
        at += got;
    }
}

}  // namespace bottle
