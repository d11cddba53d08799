#include "cli/foreground.h"

#include "manifests/error.h"

#include <unistd.h>

namespace bottle {

ForegroundCommand foreground_of(const Options& options) {
    const bool input_is_terminal = isatty(STDIN_FILENO) != 0;
    if (options.terminal && !input_is_terminal) {
        throw Error(Exit::Usage, "-t asks for a terminal, and standard input is none", "leave -t out; -i alone hands standard input on");
    }
    ForegroundCommand command;
    command.terminal = options.terminal || (!options.standard_input && input_is_terminal && isatty(STDOUT_FILENO) != 0);
    command.standard_input = options.standard_input || command.terminal;
    return command;
}

}  // namespace bottle
