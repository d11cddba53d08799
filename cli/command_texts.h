#pragma once

#include <string>
#include <vector>

// Every word that `--help`, the manual pages and the completions say of a command, once. Plain values: what runs a command stands in main.cpp.
namespace bottle {

/// The options that there are. What a command takes stands in its own list.
enum class Opt {
    File, Recursive, Output, Out, Timeout, Interval, Parallel, Adopt, DryRun, Yes, Prune, NoWiden, Progress, Selector, Since, Follow, Tail, For, Stdin, Tty, Keep, To, Repair, Into, NoColor, Help
};

struct OptionText {
    Opt option;
    const char* names;  ///< "-f,--file": the short one first, where there is one
    const char* value;  ///< "FILE"; empty for one that takes none
    const char* text;
};

/// What may stand behind a command's name.
enum class Operands { None, OptionalName, NameOrPlan, Name, Names, NameAndPart, NameAndTarget, NameAndCommand, Shell, Folders };

enum class Group { Manifests, Doing, Reading, Other };

struct CommandText {
    const char* name;
    Group group;
    const char* brief;    ///< at most 27 characters: beside its name in the overview
    const char* summary;  ///< one line, without a full stop
    Operands operands;
    const char* operands_text;  ///< "[NAME]"
    std::vector<Opt> options;
    std::vector<std::string> outputs;  ///< what -o takes, the default first; empty without -o
    const char* details;               ///< paragraphs, with an empty line between two
    std::vector<std::string> examples;
};

const std::vector<CommandText>& command_texts();
/// Nothing for a word that is no command.
const CommandText* command_text(const std::string& name);
const OptionText& option_text(Opt option);

/// "reading": the heading of a group.
const char* heading_of(Group group);

/// The forms of --progress, the default first.
const std::vector<std::string>& progress_forms();

/// "--file": the long name of an option.
std::string long_name(const OptionText& option);

inline constexpr const char* kAbout = "bottle keeps AI-agent sandboxes in the state that a checked-in file says, and proves that they are confined before anyone may use them.";
inline constexpr const char* kExitCodes =
    "0 done, 1 failed (diff: differences), 2 manifest or usage wrong, 3 precondition missing or refused, 4 not in time, 5 UNSAFE, 130 interrupted.";

}  // namespace bottle
