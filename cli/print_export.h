#pragma once

#include "cli/print_describe.h"

#include <string>

namespace bottle {

/// Everything that is known of one bottle as one document, format "bottle.export/v1": what `describe -o json` shows, its manifest with the values of
/// its literal variables, its allocation, the evidence with its raw material, and all events and revisions that are kept.
std::string export_json(const Description& description, const Records& records);

/// The bundle as a Compose file, in YAML.
std::string export_compose(const Desired& desired);

}  // namespace bottle
