#pragma once

#include "reconciler/resources.h"

#include <string>

// The image of the infra container: one static program of ours, imported without a registry.
namespace bottle {

/// A tar with the one file /pause; the same bytes every time.
std::string pause_tar();

/// The path of the import call: reference, entry point, user and labels.
std::string pause_import_path();

/// The label that tells our pause image from any other under its name: the digest of the program in it.
inline constexpr const char* kPauseDigestLabel = "dev.bottle.pause-sha256";
std::string pause_digest();

/// Whether an image that stands under the reference is the one that `pause_import_path` makes.
bool is_pause_image(const Image& image);

}  // namespace bottle
