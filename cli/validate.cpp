#include "cli/commands.h"
#include "cli/print.h"
#include "manifests/load.h"

#include <fmt/format.h>

#include <iostream>

namespace bottle {

int run_validate(const Options& options) {
    const auto files = options.files.empty() ? std::vector<std::string>{"bottle.yaml"} : options.files;
    const auto manifests = load_manifests(files, std::cin);
    for (const auto& manifest : manifests) print(fmt::format("bottle {} is valid ({}:{})\n", manifest.name, manifest.place.file, manifest.place.line));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
