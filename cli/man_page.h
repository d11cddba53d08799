#pragma once

#include "cli/command_texts.h"

#include <string>

// Manual pages in man(7)'s macros, of the same texts as `--help`.
namespace bottle {

/// bottle(1): the commands, the exit codes, the environment and the files.
std::string man_overview(const std::string& version);
/// bottle-COMMAND(1).
std::string man_page(const CommandText& command, const std::string& version);

/// A text as roff prints it letter by letter: backslashes and hyphens as they are, and no line that begins with a control character.
std::string roff(const std::string& text);

}  // namespace bottle
