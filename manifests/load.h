#pragma once

#include "manifests/manifest.h"

#include <istream>
#include <string>
#include <vector>

namespace bottle {

/// Reads every document of every file; "-" is `standard_input`, whose relative paths resolve beneath the working folder.
/// Returns the bottles in the order of the files. Throws one Error{Exit::Usage} with all problems of all files, each with
/// its place: unreadable or oversized files (1 MiB), YAML outside the strict profile, schema violations, values for later
/// versions ("not in this version"), paths that leave the manifest's folder, and a bottle's name given twice.
std::vector<Manifest> load_manifests(const std::vector<std::string>& files, std::istream& standard_input);

}  // namespace bottle
