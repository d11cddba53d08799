#include "cli/commands.h"
#include "cli/print.h"
#include "manifests/load.h"

#include <fmt/format.h>

#include <iostream>

namespace bottle {

int run_validate(const Options& options) {
    const auto loaded = load(files_of(options), options.recursive, std::cin);
    for (const auto& manifest : loaded.bottles) print(fmt::format("bottle {} is valid ({}:{})\n", manifest.name, printable(manifest.place.file), manifest.place.line));
    for (const auto& place : loaded.templates) print(fmt::format("{} is a template, and valid as far as it goes: nothing is made of it but by a bottle that extends it\n", to_string(place)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
