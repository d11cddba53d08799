#include "cli/commands.h"
#include "cli/foreground.h"

#include <fmt/format.h>

namespace bottle {

int run_exec(const Options& options) {
    auto command = foreground_of(options);
    command.command = options.command;
    Session session(environment());
    const auto look = session.look(manifests_of(options, session).front(), {});
    const auto all = conditions(look.desired, look.snapshot);
    if (const auto& confined = condition(all, "Confined"); confined.status != "True") {
        throw Error(Exit::Failed, fmt::format("bottle {} is not Confined ({}): nothing is run in it", options.name, confined.message),
                    "bottle apply   brings it up; bottle proof " + options.name + "   shows why");
    }
    if (condition(all, "MachineReady").reason == "Paused") {
        throw Error(Exit::Failed, fmt::format("bottle {} is paused: nothing runs in it", options.name), "bottle resume " + options.name);
    }
    return session.exec(look, command);
}

}  // namespace bottle
