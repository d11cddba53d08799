#pragma once

#include "controllers/image/image_tar.h"
#include "controllers/image/layer_merge.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bottle {

/// A layer that can be read from its beginning as often as it takes.
struct LayerBytes {
    std::function<std::unique_ptr<ByteSource>()> open;  ///< plain, or packed with gzip or zstd
    std::string diff_id;  ///< "sha256:…" that its plain tar must have; empty: any
};

/// Whose the files become, and for whom they must be readable.
struct UnpackOwner {
    bool keep_ids = false;  ///< as root: the uids and gids of the image. Else everything is ours
    bool for_others = false;  ///< everybody may read it, for a VMM with a uid of its own: the folder above is closed to all but that one
};

/// Makes the root file system of these layers (the lowest first) in `folder`, which must not be there. Each layer is read twice: once for its list and
/// digest, once for the files that are kept. Nothing is written but beneath `folder`, and no link of the image is ever followed: files come first, links
/// last. Modes are kept, set-user-id too, as a guest needs them; but we, and the VMM, can always read everything. Devices and sockets are left out: a
/// guest has its own. Extended attributes are, too. Throws Error{Exit::Failed}.
void unpack_layers(const std::vector<LayerBytes>& layers, const std::string& folder, const UnpackOwner& owner);

}  // namespace bottle
