#include "cli/description.h"

#include "cli/commands.h"
#include "controllers/history.h"

namespace bottle {

Description describe_bottle(const Options& options, Session& session, const Records& records) {
    History history(session.state_folder());
    Description description;
    description.manifest = manifests_of(options, session).front();
    const auto look = session.look(description.manifest, {});
    description.row = row_of(description.manifest, session.applied(options.name)->generation, look.desired, look.snapshot);
    description.row.since = session.transition_times(options.name);
    description.row.created = history.created(options.name);
    description.desired = look.desired;
    description.snapshot = look.snapshot;
    description.events = events(records);
    return description;
}

}  // namespace bottle
