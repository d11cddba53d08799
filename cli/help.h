#pragma once

#include "cli/command_texts.h"

#include <string>

namespace bottle {

/// All commands on one screen of 24 lines and 80 columns.
std::string overview();
/// What `bottle COMMAND --help` prints, in 80 columns.
std::string help_of(const CommandText& command);

/// The text in lines of at most `width`, each after the first with `indent` spaces before it. Words are not cut.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width = 80);

/// The options of a command, with those that every one has.
std::vector<Opt> options_of(const CommandText& command);
/// What an option says in a command: with the formats that -o takes there.
std::string option_help(const CommandText& command, Opt option);

}  // namespace bottle
