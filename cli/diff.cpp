#include "cli/commands.h"
#include "cli/looks.h"

#include <algorithm>

namespace bottle {

int run_diff(const Options& options) {
    Session session(environment());
    Looks looks(session);
    auto worst = Exit::Ok;
    for (const auto& manifest : manifests_of(options, session)) {
        const auto look = looks.at(manifest);
        print_look(options, look);
        worst = std::max(worst, exit_of_diff(look.plan));
    }
    return static_cast<int>(worst);
}

}  // namespace bottle
