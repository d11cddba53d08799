#pragma once

#include "manifests/manifest.h"
#include "manifests/sources.h"

#include <vector>

namespace bottle {

/// A document that fits the schema as a typed manifest. Adds to `problems` what no schema can say: quantities, paths that leave `folder` (the
/// manifest's, absolute), names and ports given twice, and variables and capabilities that a manifest may not give.
/// Of a template, what is there is checked; what a whole bottle needs may be absent, and the result is of no use.
Manifest decode_manifest(const YamlDocument& document, const Sources& sources, const std::string& folder, std::vector<Problem>& problems);

}  // namespace bottle
