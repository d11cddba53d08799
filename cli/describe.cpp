#include "cli/age.h"
#include "cli/commands.h"
#include "cli/description.h"
#include "cli/print.h"
#include "controllers/history.h"

namespace bottle {

int run_describe(const Options& options) {
    Session session(environment());
    auto description = describe_bottle(options, session, History(session.state_folder()).records(options.name));
    auto& events = description.events;
    if (events.size() > kDescribedEvents) events.erase(events.begin(), events.end() - kDescribedEvents);
    print(options.output == "json" ? describe_json(description) : describe_text(description, now_in_seconds(), screen_of(options)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
