#include "cli/man_page.h"

#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>

namespace bottle {
namespace {

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

/// Each letter as it is: a hyphen alone would become a typographical one, which nobody can type.
std::string letters(const std::string& text) {
    std::string made;
    for (const char c : text) {
        if (c == '\\') made += "\\e";
        else if (c == '-') made += "\\-";
        else made += c;
    }
    return made;
}

std::string guarded(const std::string& line) {
    return line.starts_with(".") || line.starts_with("'") ? "\\&" + line : line;
}

/// No date: the pages of one version are the same whenever they are built.
std::string title(const std::string& name, const std::string& version) {
    return fmt::format(".TH {} 1 \"\" \"bottle {}\" \"bottle\"\n", roff(upper(name)), version);
}

/// In lines of the source that a person can read, none of which begins as a request does.
std::string running_text(const std::string& text) {
    std::string made;
    std::istringstream lines(wrapped(letters(text), 0));
    for (std::string line; std::getline(lines, line);) made += guarded(line) + "\n";
    return made;
}

std::string paragraphs(const std::string& text) {
    std::string made;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) made += line.empty() ? ".PP\n" : running_text(line);
    return made;
}

/// ".TP", the term in bold, and what is said of it.
std::string item(const std::string& term, const std::string& text) {
    return fmt::format(".TP\n{}\n{}", term, running_text(text));
}

std::string bold(const std::string& text) {
    return "\\fB" + roff(text) + "\\fR";
}

std::string option_term(const OptionText& option) {
    const std::string names = option.names;
    const auto comma = names.find(',');
    auto term = comma == std::string::npos ? bold(names) : bold(names.substr(0, comma)) + ", " + bold(names.substr(comma + 1));
    if (*option.value != '\0') term += fmt::format(" \\fI{}\\fR", roff(option.value));
    return term;
}

}  // namespace

std::string roff(const std::string& text) {
    return guarded(letters(text));
}

std::string man_overview(const std::string& version) {
    auto text = title("bottle", version) + ".SH NAME\nbottle \\- sandboxes for AI agents, kept as a file says and proved to be confined\n.SH SYNOPSIS\n";
    text += bold("bottle") + " \\fICOMMAND\\fR [\\fINAME\\fR | \\fB\\-f\\fR \\fIFILE\\fR] [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n" + running_text(kAbout) + ".SH COMMANDS\n";
    for (const auto& command : command_texts()) text += item(bold(std::string("bottle ") + command.name), std::string(command.summary) + ".");
    text += ".SH EXIT STATUS\n" + running_text(kExitCodes) + ".SH ENVIRONMENT\n";
    text += item(bold("BOTTLE_EXTERNAL_DIFF"), "The program that -o diff gives two folders to, with arguments; diff(1) where it is not set.");
    text += item(bold("DOCKER_HOST"), "The socket of a local Docker: unix:///var/run/docker.sock where it is not set.");
    text += item(bold("NO_COLOR"), "Not empty: no colour, also on a terminal.");
    text += item(bold("PATH"), "Where smolvm is looked for.");
    text += item(bold("XDG_CONFIG_HOME"), "The host's policy is the file config.yaml in its folder bottle (default: ~/.config/bottle).");
    text += item(bold("XDG_STATE_HOME"), "Our records lie in its folder bottle (default: ~/.local/state/bottle).");
    text += ".SH FILES\n" + item(bold("bottle.yaml"), "The manifest, where none is named.") + ".SH SEE ALSO\n";
    std::string separator;
    for (const auto& command : command_texts()) {
        text += fmt::format("{}.BR {} (1)", separator, roff(std::string("bottle-") + command.name));
        separator = " ,\n";
    }
    return text + "\n";
}

std::string man_page(const CommandText& command, const std::string& version) {
    const auto name = std::string("bottle-") + command.name;
    auto text = title(name, version) + ".SH NAME\n" + running_text(name + " - " + command.summary) + ".SH SYNOPSIS\n";
    text += fmt::format("{} [\\fIOPTION\\fR...]", bold(std::string("bottle ") + command.name));
    if (*command.operands_text != '\0') text += " " + roff(command.operands_text);
    text += "\n.SH DESCRIPTION\n" + running_text(std::string(command.summary) + ".");
    if (*command.details != '\0') text += ".PP\n" + paragraphs(command.details);
    text += ".SH OPTIONS\n";
    for (const auto option : options_of(command)) text += item(option_term(option_text(option)), option_help(command, option) + ".");
    text += ".SH EXAMPLES\n.nf\n";
    for (const auto& example : command.examples) text += roff(example) + "\n";
    return text + ".fi\n.SH EXIT STATUS\n" + running_text(kExitCodes) + ".SH SEE ALSO\n.BR bottle (1)\n";
}

}  // namespace bottle
