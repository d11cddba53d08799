#include "cli/commands.h"
#include "cli/description.h"
#include "cli/print.h"
#include "cli/print_export.h"
#include "controllers/history.h"

namespace bottle {

int run_export(const Options& options) {
    Session session(environment());
    const auto records = History(session.state_folder()).records(options.name);
    const auto description = describe_bottle(options, session, records);
    if (options.output == "json") {
        print(export_json(description, records));
        return static_cast<int>(Exit::Ok);
    }
    // Without its image a container is not in what is desired, and would be missing in the file without a word.
    if (const auto& desired = description.desired; !desired.problems.empty()) throw Error(Exit::Precondition, desired.problems);
    print(export_compose(description.desired));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
