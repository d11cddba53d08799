#pragma once

#include "cli/command_texts.h"
#include "cli/options.h"

#include <string>
#include <vector>

namespace bottle {

/// A command line, read.
struct CommandLine {
    const CommandText* command = nullptr;  ///< nothing: `help` is the overview
    Options options;
    std::string help;  ///< not empty: it is asked for, and nothing else is done
};

/// `words`: what follows the program's name. Pure. Throws Error{Exit::Usage} with the way out: the nearest command, option or format, or an example.
CommandLine read_command_line(const std::vector<std::string>& words);

/// Whether it can be a bottle's, as the schema has it: [a-z]([a-z0-9-]{0,38}[a-z0-9])?.
bool is_bottle_name(const std::string& text);

/// "90s", "5m", "1h" or "1500ms", of the option `name`. Throws Error{Exit::Usage}.
std::chrono::milliseconds parse_duration(const std::string& name, const std::string& text);

}  // namespace bottle
