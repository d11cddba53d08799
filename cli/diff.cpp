#include "cli/commands.h"
#include "cli/print.h"

#include <algorithm>

namespace bottle {

int run_diff(const Options& options) {
    Session session(environment());
    auto worst = Exit::Ok;
    for (const auto& manifest : manifests_of(options, session)) {
        const auto look = session.look(manifest, {});
        print(options.output == "json" ? to_json(look.plan) : to_text(look.plan));
        worst = std::max(worst, exit_of_diff(look.plan));
    }
    return static_cast<int>(worst);
}

}  // namespace bottle
