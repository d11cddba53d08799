#pragma once

#include "reconciler/observed.h"
#include "reconciler/world.h"

#include <string>

// The bottle's own copy of its root file system's folder, for a VMM that could write in the one that the manifest
// names.
namespace bottle {

/// `folder`: the copy's; our record of it stands beside it as `<folder>.json`, and is written last: without it there is
/// no whole copy.
Observation<ImageCopy> image_copy(const std::string& folder);

/// Makes the copy anew: beside its place, compared with its source, and put there by one rename. A crash leaves no copy
/// that counts.
Outcome make_image_copy(const std::string& source, const std::string& folder);

}  // namespace bottle
