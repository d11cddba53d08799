#include "cli/commands.h"
#include "cli/print.h"

#include <fmt/format.h>

namespace bottle {

int run_version(const Options& options) {
    if (options.output == "json") print(fmt::format("{{\"format\": \"bottle.version/v1\", \"version\": \"{}\", \"smolvm\": [\"1.32.2\"]}}\n", BOTTLE_VERSION));
    else print(fmt::format("bottle {} (smolvm 1.32.2, Docker Engine API 1.41 and later)\n", BOTTLE_VERSION));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
