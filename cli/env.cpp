#include "cli/commands.h"
#include "cli/print.h"
#include "cli/print_env.h"
#include "controllers/machine/hand_environment.h"
#include "reconciler/desired.h"

#include <fmt/format.h>

#include <unistd.h>

namespace bottle {

int run_env(const Options& options) {
    const auto own = environment();
    Session session(own);
    const auto name = names_of(options, session).front();
    const auto path = own.find("PATH");
    const auto variables = hand_environment(session.state_folder(), name, session.policy().smolvm, path == own.end() ? "" : path->second);
    if (options.output == "json") {
        print(env_json(name, variables));
        return static_cast<int>(Exit::Ok);
    }
    print(env_text(variables));
    // They hold for the whole shell, HOME too: a shell of its own is what is wanted.
    if (isatty(STDOUT_FILENO) != 0) say(fmt::format("for one call: (eval \"$(bottle env {0})\"; smolvm machine status --name {1})\n", name, machine_name(name)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
