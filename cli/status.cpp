#include "cli/commands.h"
#include "cli/print.h"

namespace bottle {
namespace {

StatusRow row_of(Session& session, const std::string& bottle, const Applied& applied) {
    const auto look = session.look(applied.manifest, {});
    return {bottle, applied.generation, conditions(look.desired, look.snapshot), session.transition_times(bottle), look.desired.dialled, look.desired.ports};
}

}  // namespace

int run_status(const Options& options) {
    Session session(environment());
    std::vector<StatusRow> rows;
    const auto names = options.name.empty() ? session.bottles() : std::vector<std::string>{manifests_of(options, session).front().name};
    for (const auto& name : names) {
        if (const auto applied = session.applied(name)) rows.push_back(row_of(session, name, *applied));
    }
    if (options.output == "json") print(status_json(rows));
    else if (!options.name.empty()) print(status_detail(rows.front(), screen_of(options)));
    else if (rows.empty()) say("no bottle was applied here yet\n");
    else print(status_table(rows, screen_of(options)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
