#pragma once

#include "controllers/image/image_tar.h"

#include <set>
#include <string>
#include <vector>

namespace bottle {

/// One layer of an image.
struct ImageLayer {
    std::string member;   ///< its name in the archive
    std::string diff_id;  ///< "sha256:…" of its plain tar; empty: nothing says it

    bool operator==(const ImageLayer&) const = default;
};

/// What an archive says of its one image.
struct ImageLayout {
    /// What engines call the image: the digest of its configuration (Docker, podman), and of its manifest (a Docker on containerd's store).
    std::set<std::string> ids;
    std::vector<ImageLayer> layers;  ///< the lowest first
};

/// Reads the manifest.json of `docker save`, else the index.json of an OCI layout (image-layout.md of opencontainers/image-spec 1.1), where it chooses the
/// image for linux and `architecture` ("amd64"). Throws Error{Exit::Failed} for what is none, holds several, is of another system, or whose parts are
/// not what their digests say.
ImageLayout read_image_layout(const ImageTar& tar, const std::string& architecture);

/// This host's, in Go's words, which images use.
std::string host_architecture();

}  // namespace bottle
