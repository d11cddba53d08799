#pragma once

#include <cstddef>
#include <cstdint>

namespace probe {

/// SHA-256 (FIPS 180-4), piece by piece.
class Sha256 {
public:
    void add(const void* bytes, size_t size);
    /// The digest in lower-case hex with its NUL; nothing may be added after it.
    void finish(char (&hex)[65]);

private:
    void block();

    uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned char buffer_[64] = {};
    size_t used_ = 0;
    uint64_t size_ = 0;
};

}  // namespace probe
