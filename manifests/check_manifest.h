#pragma once

#include "manifests/sources.h"

#include <vector>

namespace bottle {

/// Whether the document says that it is a BottleTemplate.
bool is_template(const YamlDocument& document);

/// Whether a document fits the schema; adds what it breaks to `problems`, in people's words. A template, and a bottle that extends one,
/// may leave out what a whole bottle needs.
bool check_schema(const YamlDocument& document, const Sources& sources, std::vector<Problem>& problems);

/// The same for keys and values that this version does not do yet.
bool check_version(const YamlDocument& document, const Sources& sources, std::vector<Problem>& problems);

}  // namespace bottle
