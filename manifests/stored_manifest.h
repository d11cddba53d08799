#pragma once

#include "manifests/manifest.h"

#include <string>

namespace bottle {

/// A loaded manifest as one JSON text (format "bottle.manifest/v1"), for our own records: `status`, `verify` and `exec` know from it
/// what was applied, also when the file is gone.
std::string to_stored_text(const Manifest& manifest);

/// Whether a key of that text says where a value stands in its file, which is no part of what it means.
bool is_place(const std::string& key);

/// The reverse. Throws Error{Exit::Failed} for any text that `to_stored_text` did not make.
Manifest from_stored_text(const std::string& text);

}  // namespace bottle
