#include "cli/age.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/print_events.h"
#include "controllers/history.h"

namespace bottle {

int run_history(const Options& options) {
    Session session(environment());
    History records(session.state_folder());
    const auto name = manifests_of(options, session).front().name;
    const auto lines = history(records.records(name));
    print(options.output == "json" ? history_json(name, lines) : history_table(lines, now_in_seconds(), screen_of(options)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
