#include "cli/commands.h"

#include <fmt/format.h>

namespace bottle {

int run_exec(const Options& options) {
    Session session(environment());
    const auto look = session.look(manifests_of(options, session).front(), {});
    const auto confined = condition(conditions(look.desired, look.snapshot), "Confined");
    if (confined.status != "True") {
        throw Error(Exit::Failed, fmt::format("bottle {} is not Confined ({}): nothing is run in it", options.name, confined.message),
                    "bottle apply   brings it up; bottle proof " + options.name + "   shows why");
    }
    return session.exec(look, options.command);
}

}  // namespace bottle
