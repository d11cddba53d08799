#pragma once

#include "manifests/manifest.h"

#include <string>

namespace bottle {

/// A loaded manifest as one JSON text (format "bottle.manifest/v1"), for our own records: `status`, `verify` and `exec` know from it
/// what was applied, also when the file is gone.
std::string to_stored_text(const Manifest& manifest);

/// The reverse. Throws Error{Exit::Failed} for any text that `to_stored_text` did not make.
Manifest from_stored_text(const std::string& text);

}  // namespace bottle
