#include "cli/age.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/print_get.h"
#include "controllers/history.h"

namespace bottle {
namespace {

BottleRow look_at(Session& session, History& history, const std::string& name) {
    const auto applied = session.applied(name);
    if (!applied) return row_without_manifest(name);
    const auto look = session.look(applied->manifest, {});
    auto row = row_of(applied->manifest, applied->generation, look.desired, look.snapshot);
    row.since = session.transition_times(name);
    row.created = history.created(name);
    return row;
}

std::string text_of(const std::vector<BottleRow>& rows, const Options& options) {
    if (options.output == "json") return get_json(rows);
    if (options.output == "yaml") return get_yaml(rows);
    if (options.output == "name") return get_names(rows);
    return get_table(rows, options.output == "wide", now_in_seconds(), screen_of(options));
}

}  // namespace

int run_get(const Options& options) {
    Session session(environment());
    History history(session.state_folder());
    std::vector<BottleRow> rows;
    for (const auto& name : names_of(options, session)) {
        auto row = look_at(session, history, name);
        if (selected(row.labels, options.selector)) rows.push_back(std::move(row));
    }
    const bool for_people = options.output == "text" || options.output == "wide";
    if (rows.empty() && for_people) say(options.selector.empty() ? "no bottle was applied here yet\n" : "no bottle has these labels\n");
    else print(text_of(rows, options));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
