#include "cli/commands.h"
#include "cli/print.h"
#include "cli/screen.h"

#include <algorithm>

namespace bottle {

int run_diff(const Options& options) {
    Session session(environment());
    auto worst = Exit::Ok;
    for (const auto& manifest : manifests_of(options, session)) {
        const auto look = session.look(manifest, {});
        print(options.output == "json" ? to_json(look.plan) : paint_signs(to_text(look.plan), screen_of(options)));
        worst = std::max(worst, exit_of_diff(look.plan));
    }
    return static_cast<int>(worst);
}

}  // namespace bottle
