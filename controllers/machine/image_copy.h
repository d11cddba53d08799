#pragma once

#include "reconciler/observed.h"
#include "reconciler/world.h"

#include <cstdint>
#include <functional>
#include <string>

// The bottle's own copy of its root file system: of a folder, for a VMM that could write in the one that the manifest names; of an image in Docker, an
// archive or a pack, so that smolvm never reads those itself.
namespace bottle {

/// `folder`: the copy's; our record of it stands beside it as `<folder>.json`, and is written last: without it there is
/// no whole copy.
Observation<ImageCopy> image_copy(const std::string& folder);

/// The id of an archive or a pack (`ImageSource`). Not read again where it is the file that the copy in `folder` was made of, by its inode, size and times.
Observation<std::string> image_file_id(const std::string& path, const std::string& folder);

/// Writes the image of that id as a `docker save` archive to a file, of at most so many bytes.
using ImageDownload = std::function<Outcome(const std::string& id, int fd, std::uint64_t cap)>;

/// Makes the copy anew: beside its place, compared with its source or with the digests that its parts have, and put there by one rename. A crash leaves no
/// copy that counts. The folder above is closed to everybody but us and the group of `vmm_uid`.
Outcome make_image_copy(const CopyImage& action, const std::string& folder, const ImageDownload& download = {});

}  // namespace bottle
