#pragma once

#include "manifests/yaml_document.h"

#include <vector>

namespace bottle {

/// What no manifest may hold, whatever it would mean as YAML: bytes that are no UTF-8, NUL and other control characters, marks that turn the
/// direction of text, tabs in indentation, directives (%…) and document ends (...). At most one problem, the first.
void check_text(const SourceText& source, std::vector<Problem>& problems);

}  // namespace bottle
