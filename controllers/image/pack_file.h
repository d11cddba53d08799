#pragma once

#include "controllers/image/image_layout.h"

#include <cstdint>
#include <string>
#include <vector>

// smolvm's packs (.smolmachine): a tar packed with zstd, a JSON text and a footer of 64 bytes (crates/smolvm-pack/src/format.rs of smolvm 1.32.2).
namespace bottle {

struct PackFile {
    std::uint64_t assets_size = 0;   ///< the packed tar, from the file's beginning
    std::vector<ImageLayer> layers;  ///< the lowest first; what their digests are of is not said, so that none is given
};

/// Reads footer and JSON text. Throws Error{Exit::Failed} for what is no pack, is damaged, is made for another system than linux on `architecture`, or
/// was made of a machine: what that wrote is on a disk in the pack, which a bottle's machine does not take over.
PackFile read_pack(int fd, const std::string& architecture);

}  // namespace bottle
