#include "cli/age.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/print_events.h"
#include "cli/progress.h"
#include "controllers/history.h"

#include <fmt/format.h>

#include <set>

namespace bottle {
namespace {

constexpr std::chrono::milliseconds kBetween{300};

/// What was not shown yet; from then on it was.
std::vector<Event> fresh(std::vector<Event> all, std::set<std::string>& shown) {
    std::vector<Event> made;
    for (auto& event : all) {
        if (shown.insert(event.id).second) made.push_back(std::move(event));
    }
    return made;
}

std::string text_of(const std::vector<Event>& all, const Options& options) {
    const bool with_bottle = options.name.empty();
    if (options.output == "json") return options.follow ? events_json_lines(all) : events_json(all);
    return events_table(all, with_bottle, now_in_seconds(), screen_of(options));
}

/// What is new, without a heading, until the user has enough of it.
Exit follow(History& history, const Options& options, const std::string& earliest, std::set<std::string> shown) {
    SystemClock clock;
    while (!clock.interrupted()) {
        clock.sleep(kBetween);
        const auto made = fresh(since(events(history.records(options.name)), earliest), shown);
        if (made.empty()) continue;
        print(options.output == "json" ? events_json_lines(made) : table(event_rows(made, options.name.empty(), false, now_in_seconds()), screen_of(options)));
    }
    return Exit::Interrupted;
}

}  // namespace

int run_events(const Options& options) {
    Session session(environment());
    History history(session.state_folder());
    const auto earliest = options.since ? time_of(now_in_seconds() - std::chrono::duration_cast<std::chrono::seconds>(*options.since).count()) : std::string();
    const auto records = history.records(options.name);
    const bool nothing = records.journal.empty() && records.transitions.empty() && records.revisions.empty();
    // A bottle that was deleted has events, and no other record.
    if (nothing && !options.name.empty()) manifests_of(options, session);
    std::set<std::string> shown;
    const auto all = fresh(since(events(records), earliest), shown);
    if (!all.empty() || options.output == "json") print(text_of(all, options));
    else say("nothing happened" + std::string(options.since ? " in that time\n" : " here yet\n"));
    return static_cast<int>(options.follow ? follow(history, options, earliest, std::move(shown)) : Exit::Ok);
}

}  // namespace bottle
