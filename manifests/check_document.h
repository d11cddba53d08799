#pragma once

#include "manifests/yaml_document.h"
#include "schema/schema.h"

#include <vector>

namespace bottle {

/// Adds what the document breaks of its schema to `problems`, each with its place; true when that is nothing.
bool fits_schema(const YamlDocument& document, const SourceText& source, DocumentKind kind, std::vector<Problem>& problems);

}  // namespace bottle
