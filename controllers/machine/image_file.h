#pragma once

#include "controllers/guest/guest_files.h"
#include "reconciler/observed.h"

#include <string>

namespace bottle {

/// The file of an archive or a pack, as it was while its content was read.
struct ImageFile {
    FileIdentity identity;
    std::string digest;  ///< "sha256:…"
};

/// Reads it whole, but for one that this process has read before and that is as it was then: an apply looks several times, and the file may have gigabytes.
/// Throws Error{Exit::Precondition} for what cannot be read, and Error{Exit::Failed} for what changes meanwhile.
ImageFile read_image_file(const std::string& path);

/// Open for reading. Throws Error{Exit::Precondition}.
Fd open_image_file(const std::string& path);

}  // namespace bottle
