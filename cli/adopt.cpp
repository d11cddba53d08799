#include "cli/commands.h"
#include "cli/print.h"
#include "cli/screen.h"

namespace bottle {

int run_adopt(const Options& options) {
    Session session(environment());
    PlanOptions adopting;
    adopting.adopt = true;
    for (const auto& manifest : manifests_of(options, session)) say(to_text(session.look(manifest, adopting, Secrets::Read).plan));
    Options apply = options;
    apply.adopt = true;
    return run_apply(apply);
}

}  // namespace bottle
