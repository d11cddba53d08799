#include "cli/age.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/print_describe.h"
#include "controllers/history.h"

namespace bottle {

int run_describe(const Options& options) {
    Session session(environment());
    History history(session.state_folder());
    const auto manifest = manifests_of(options, session).front();
    const auto look = session.look(manifest, {});
    Description description;
    description.row = row_of(manifest, session.applied(options.name)->generation, look.desired, look.snapshot);
    description.row.since = session.transition_times(options.name);
    description.row.created = history.created(options.name);
    description.manifest = manifest;
    description.desired = look.desired;
    description.snapshot = look.snapshot;
    description.events = events(history.records(options.name));
    if (description.events.size() > kDescribedEvents) description.events.erase(description.events.begin(), description.events.end() - kDescribedEvents);
    print(options.output == "json" ? describe_json(description) : describe_text(description, now_in_seconds(), screen_of(options)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
