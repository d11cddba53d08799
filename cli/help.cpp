#include "cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

namespace bottle {
namespace {

constexpr std::size_t kColumn = 39;

std::string overview_cell(const CommandText& command) {
    return fmt::format("  {:<11}{}", command.name, command.brief);
}

/// The commands of a group, in two columns.
std::string overview_group(Group group) {
    std::vector<std::string> cells;
    for (const auto& command : command_texts()) {
        if (command.group == group) cells.push_back(overview_cell(command));
    }
    std::string text = std::string(heading_of(group)) + "\n";
    const auto rows = (cells.size() + 1) / 2;
    for (std::size_t row = 0; row < rows; ++row) {
        const bool second = row + rows < cells.size();
        text += second ? fmt::format("{:<{}}{}\n", cells[row], kColumn, cells[row + rows]) : cells[row] + "\n";
    }
    return text;
}

std::string option_names(const OptionText& option) {
    std::string names = option.names;
    const auto comma = names.find(',');
    if (comma == std::string::npos) names = "    " + names;
    else names.insert(comma + 1, " ");
    return *option.value == '\0' ? names : names + " " + option.value;
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
    std::string made;
    std::size_t at = indent;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (!made.empty() && at + 1 + word.size() > width) {
            made += "\n" + std::string(indent, ' ');
            at = indent;
        } else if (!made.empty()) {
            made += ' ';
            ++at;
        }
        made += word;
        at += word.size();
    }
    return made;
}

std::vector<Opt> options_of(const CommandText& command) {
    auto all = command.options;
    all.insert(all.end(), {Opt::NoColor, Opt::Help});
    return all;
}

std::string option_help(const CommandText& command, Opt option) {
    if (option != Opt::Output) return option_text(option).text;
    return fmt::format("{}: {} (default: {})", option_text(option).text, fmt::join(command.outputs, ", "), command.outputs.front());
}

std::string overview() {
    auto text = wrapped(kAbout, 0) + "\nusage: bottle COMMAND [NAME | -f FILE] [OPTION...]\n";
    for (const auto group : {Group::Manifests, Group::Doing, Group::Reading, Group::Other}) text += overview_group(group);
    return text + "bottle COMMAND --help: options and exit codes. stdout: the result; stderr: talk.\n";
}

std::string help_of(const CommandText& command) {
    auto text = wrapped(std::string(command.summary) + ".", 0) + "\n\n";
    text += fmt::format("usage: bottle {} [OPTION...]{}{}\n", command.name, *command.operands_text == '\0' ? "" : " ", command.operands_text);
    std::istringstream lines(command.details);
    for (std::string line; std::getline(lines, line);) text += line.empty() ? "" : "\n" + wrapped(line, 0) + "\n";
    text += "\noptions\n";
    constexpr std::size_t kIndent = 28;
    for (const auto option : options_of(command)) {
        text += fmt::format("  {:<{}}{}\n", option_names(option_text(option)), kIndent - 2, wrapped(option_help(command, option), kIndent));
    }
    text += "\nexamples\n";
    for (const auto& example : command.examples) text += "  " + example + "\n";
    return text + "\nexit codes\n  " + wrapped(kExitCodes, 2) + "\n";
}

}  // namespace bottle
