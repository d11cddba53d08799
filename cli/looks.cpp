#include "cli/looks.h"

#include "cli/external_diff.h"
#include "cli/print.h"

#include <unistd.h>

#include <cstdlib>

namespace bottle {

Look Looks::at(const Manifest& manifest) {
    auto look = session_.look(manifest, options_, Secrets::Read, promised_);
    promised_[manifest.name] = look.desired.allocation;
    return look;
}

void print_look(const Options& options, const Look& look) {
    if (options.output != "diff") return print(plan_as(options.output, look.plan, screen_of(options)));
    const auto documents = differing_documents(look.desired, look.snapshot);
    const char* external = std::getenv("BOTTLE_EXTERNAL_DIFF");
    print(unified_diff(documents, external == nullptr ? "" : external, screen_of(options)));
    if (!look.plan.refusals.empty() || (documents.empty() && !look.plan.empty())) say(paint_signs(to_text(look.plan), screen_of(options, STDERR_FILENO)));
}

}  // namespace bottle
