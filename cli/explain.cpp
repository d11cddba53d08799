#include "cli/commands.h"
#include "cli/print.h"
#include "reconciler/explain.h"

namespace bottle {

int run_explain(const Options& options) {
    Session session(environment());
    auto worst = Exit::Ok;
    for (const auto& manifest : manifests_of(options, session)) {
        const auto look = session.look(manifest, {});
        const auto explanation = explain(manifest, session.policy(), look.desired, look.snapshot);
        print(options.output == "json" ? to_json(explanation) : to_text(explanation));
        if (!explanation.choice.problems.empty()) worst = Exit::Precondition;
    }
    return static_cast<int>(worst);
}

}  // namespace bottle
