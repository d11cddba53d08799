#pragma once

#include "manifests/sources.h"

#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// Where the document that extends stands.
struct ManifestFolder {
    std::string path;   ///< absolute: nothing outside of it is read
    std::string shown;  ///< the same as the user wrote it, for places; empty: the working folder
    std::string file;   ///< the document's own file in it; empty: standard input
};

/// `document` with every template that `spec.extends` leads to merged beneath it, and without that key. Their texts are added to `sources`.
/// Paths that a template names are beneath the template's own folder; here they are beneath the document's.
/// Nothing where a link cannot be followed, and a problem that names the way link by link: a file that is not there, is no single document of
/// kind BottleTemplate, breaks the schema, leads out of the folder or over a symlink; a circle; more than 16 links.
std::optional<YamlDocument> with_templates(const YamlDocument& document, const ManifestFolder& folder, Sources& sources, std::vector<Problem>& problems);

}  // namespace bottle
