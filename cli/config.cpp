#include "manifests/config.h"

#include "cli/commands.h"
#include "cli/print.h"
#include "manifests/load.h"

#include <iostream>

namespace bottle {

int run_config(const Options& options) {
    const auto documents = load_bottles(files_of(options), options.recursive, std::cin).documents;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        if (options.output == "json") {
            print(config_json(documents[i]));
        } else {
            print((i > 0 ? "---\n" : "") + config_yaml(documents[i]));
        }
    }
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
