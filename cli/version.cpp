#include "cli/commands.h"
#include "cli/print.h"
#include "reconciler/smolvm_build.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

namespace bottle {

int run_version(const Options& options) {
    std::vector<std::string> smolvm;
    for (const auto& build : measured_builds()) smolvm.push_back(build.version);
    if (options.output == "json") {
        print(fmt::format("{{\"format\": \"bottle.version/v1\", \"version\": \"{}\", \"smolvm\": [\"{}\"]}}\n", BOTTLE_VERSION, fmt::join(smolvm, "\", \"")));
    } else {
        print(fmt::format("bottle {} (smolvm {}, Docker Engine API 1.41 and later)\n", BOTTLE_VERSION, measured_versions()));
    }
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
