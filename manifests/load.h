#pragma once

#include "manifests/manifest.h"

#include <nlohmann/json.hpp>

#include <istream>
#include <string>
#include <vector>

namespace bottle {

/// What is in the files that were named.
struct Loaded {
    std::vector<Manifest> bottles;          ///< in the order of the files
    std::vector<nlohmann::json> documents;  ///< each bottle's document, its templates merged, paths relative to the manifest's folder
    std::vector<Place> templates;           ///< documents of kind BottleTemplate: checked as far as they go
};

/// Reads every document of every file. A folder stands for the files in it (`find_files`); "-" is `standard_input`, whose relative paths resolve
/// beneath the working folder. Throws one Error{Exit::Usage} with all problems of all files, each with its place, also where that is in a template
/// that a bottle extends: unreadable or oversized files (1 MiB), YAML outside the strict profile, schema violations, values for later
/// versions ("not in this version"), paths that leave the folder, and a bottle's name given twice.
Loaded load(const std::vector<std::string>& named, bool recursive, std::istream& standard_input);

/// The bottles of `load`, for what is done with bottles. A template that was named itself is a problem: it is applied by none of its own.
/// In a folder templates are passed over, but a folder with nothing else is a problem.
Loaded load_bottles(const std::vector<std::string>& named, bool recursive, std::istream& standard_input);

/// The same without the rest.
std::vector<Manifest> load_manifests(const std::vector<std::string>& named, std::istream& standard_input, bool recursive = false);

}  // namespace bottle
