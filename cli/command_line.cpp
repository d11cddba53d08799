#include "cli/command_line.h"

#include "cli/completion_script.h"
#include "cli/help.h"
#include "manifests/error.h"
#include "schema/suggest.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <utility>

namespace bottle {
namespace {

/// What other tools call it.
constexpr std::array<std::pair<const char*, const char*>, 15> kElsewhere = {{
    {"up", "apply"}, {"create", "apply"}, {"start", "apply"}, {"down", "delete"}, {"rm", "delete"}, {"destroy", "delete"},
    {"ps", "get"}, {"ls", "get"}, {"list", "get"}, {"inspect", "describe"}, {"show", "describe"}, {"shell", "exec"}, {"ssh", "exec"},
    {"unpause", "resume"}, {"undo", "rollback"},
}};

/// What other tools have an option for.
constexpr std::array<std::pair<const char*, const char*>, 4> kOptionsElsewhere = {{
    {"--force", "--yes of bottle apply and delete does without the question"}, {"--auto-approve", "--yes of bottle apply and delete does without the question"}, {"-n", "there are no namespaces: a bottle's NAME is enough"}, {"--all", "without a NAME, and without -f, all are meant where that can be"},
}};

[[noreturn]] void wrong(std::string text, std::string hint) {
    throw Error(Exit::Usage, std::move(text), std::move(hint));
}

std::string help_hint(const CommandText& command) {
    return fmt::format("bottle {} --help   shows what it takes", command.name);
}

/// "bottle exec docs-writer -- sh": its first example, as the way out.
std::string example_hint(const CommandText& command) {
    return "for example: " + command.examples.front();
}

[[noreturn]] void unknown_command(const std::string& word) {
    std::vector<std::string> names;
    for (const auto& command : command_texts()) names.emplace_back(command.name);
    auto meant = nearest_word(word, names);
    for (const auto& [elsewhere, here] : kElsewhere) {
        if (word == elsewhere) meant = here;
    }
    const std::string shows = "bottle --help   shows the commands";
    wrong(fmt::format("bottle has no command {}", printable(word)), meant.empty() ? shows : fmt::format("did you mean {}? {}", meant, shows));
}

std::vector<std::string> option_words(const CommandText& command) {
    std::vector<std::string> words;
    auto add = [&words](Opt option) {
        const std::string names = option_text(option).names;
        const auto comma = names.find(',');
        if (comma != std::string::npos) words.push_back(names.substr(0, comma));
        words.push_back(long_name(option_text(option)));
    };
    for (const auto option : command.options) add(option);
    add(Opt::NoColor);
    add(Opt::Help);
    return words;
}

[[noreturn]] void unknown_option(const CommandText& command, const std::string& given) {
    const auto word = given.substr(0, given.find('='));
    const auto text = fmt::format("bottle {} has no option {}", command.name, printable(word));
    if (command.operands == Operands::NameAndCommand) wrong(text, "what belongs to the command in the guest stands after --; " + example_hint(command));
    for (const auto& [elsewhere, here] : kOptionsElsewhere) {
        if (word == elsewhere) wrong(text, here);
    }
    const auto words = option_words(command);
    const bool is_long = word.starts_with("--");
    auto meant = is_long ? nearest_word(word, words) : std::string();
    const auto longer = std::find_if(words.begin(), words.end(), [&](const std::string& other) { return is_long && word.size() > 3 && other.starts_with(word); });
    if (longer != words.end()) meant = *longer;
    wrong(text, meant.empty() ? help_hint(command) : fmt::format("did you mean {}? {}", meant, help_hint(command)));
}

/// Of logs the name alone is judged: what parts there are is not known here.
void check_name(const CommandText& command, const std::string& given) {
    const bool has_part = command.operands == Operands::NameAndPart;
    const auto name = has_part ? given.substr(0, given.find('/')) : given;
    if (is_bottle_name(name)) return;
    const bool takes_files = std::find(command.options.begin(), command.options.end(), Opt::File) != command.options.end();
    const bool is_file = given.ends_with(".yaml") || given.ends_with(".yml") || given.find('/') != std::string::npos;
    const auto text = fmt::format("{} is no NAME of a bottle", printable(given.empty() ? "\"\"" : given));
    if (is_file && takes_files) wrong(text, fmt::format("a manifest is named with -f: bottle {} -f {}", command.name, printable(given)));
    wrong(text, "a NAME is a letter, then letters, digits and -, all small; bottle get   shows them");
}

/// No name has a . or a / in it. A manifest is no plan, and is told to be named with -f.
bool is_plan_file(const std::string& word) {
    const bool is_manifest = word.ends_with(".yaml") || word.ends_with(".yml");
    return !is_manifest && word.find_first_of("./") != std::string::npos;
}

std::size_t most_operands(const CommandText& command, std::size_t given) {
    switch (command.operands) {
        case Operands::None: return 0;
        case Operands::OptionalName:
        case Operands::NameOrPlan:
        case Operands::Name:
        case Operands::NameAndPart:
        case Operands::Shell: return 1;
        case Operands::NameAndTarget: return 2;
        case Operands::Folders:
        case Operands::Names:
        case Operands::NameAndCommand: break;
    }
    return given;
}

void set_operands(const CommandText& command, std::vector<std::string> words, Options& options) {
    const auto most = most_operands(command, words.size());
    if (words.size() > most) wrong(fmt::format("bottle {} does not know what to do with {}", command.name, printable(words[most])), help_hint(command));
    const bool required = command.operands == Operands::Name || command.operands == Operands::NameAndPart || command.operands == Operands::NameAndCommand;
    if (words.empty() && required) wrong(fmt::format("bottle {} needs the NAME of a bottle", command.name), example_hint(command));
    if (command.operands == Operands::Shell) {
        const auto& shells = completion_shells();
        if (!words.empty()) options.shell = words.front();
        if (std::find(shells.begin(), shells.end(), options.shell) != shells.end()) return;
        wrong(words.empty() ? fmt::format("bottle {} needs the name of a shell", command.name) : fmt::format("bottle {} knows no shell {}", command.name, printable(options.shell)),
              fmt::format("there are: {}", fmt::join(shells, ", ")));
    }
    // No name has a colon in it, so that a target is told from one, and a NAME may be missing where -f is given.
    if (command.operands == Operands::NameAndTarget && !words.empty() && words.back().find(':') != std::string::npos) {
        options.target = words.back();
        words.pop_back();
    }
    if (command.operands == Operands::Folders) options.folders = words;
    if (words.empty() || command.operands == Operands::Folders) return;
    if (command.operands == Operands::NameAndTarget && words.size() > 1) {
        wrong(fmt::format("{} is no ADDRESS:PORT: a port is missing", printable(words.back())), "for example: bottle explain docs-writer 1.1.1.1:443");
    }
    if (command.operands == Operands::NameOrPlan && is_plan_file(words.front())) {
        options.plan = words.front();
        return;
    }
    options.name = words.front();
    options.names = words;
    if (command.operands == Operands::NameAndCommand) options.names.resize(1);
    for (const auto& name : options.names) check_name(command, name);
    if (command.operands != Operands::NameAndCommand) return;
    options.command.assign(words.begin() + 1, words.end());
    if (options.command.empty()) wrong(fmt::format("bottle {} needs a command to run in {}", command.name, printable(options.name)), example_hint(command));
}

/// "team=docs,tier=web": one pair a comma.
void add_selector(const std::string& text, std::map<std::string, std::string>& selector) {
    std::istringstream pairs(text);
    for (std::string pair; std::getline(pairs, pair, ',');) {
        const auto equals = pair.find('=');
        const bool other = equals == std::string::npos || equals == 0 || pair[equals - 1] == '!' || pair.find('=', equals + 1) != std::string::npos;
        if (other) wrong(fmt::format("-l {} is no KEY=VALUE", printable(text)), "for example: bottle get -l team=docs");
        selector[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
}

void check_output(const CommandText& command, const std::string& output) {
    const auto& all = command.outputs;
    if (all.empty() || std::find(all.begin(), all.end(), output) != all.end()) return;
    const auto meant = nearest_word(output, all);
    wrong(fmt::format("bottle {} does not print {}", command.name, printable(output)),
          fmt::format("{}-o takes {}", meant.empty() ? "" : "did you mean " + meant + "? ", fmt::join(all, ", ")));
}

void check_progress(const std::string& form) {
    const auto& all = progress_forms();
    if (std::find(all.begin(), all.end(), form) != all.end()) return;
    const auto meant = nearest_word(form, all);
    wrong(fmt::format("--progress {} is no form", printable(form)), fmt::format("{}there are: {}", meant.empty() ? "" : "did you mean " + meant + "? ", fmt::join(all, ", ")));
}

int parse_number(const char* name, const char* what, const std::string& text, const char* hint) {
    constexpr std::size_t kDigits = 7;
    if (!text.empty() && text.size() <= kDigits && text.find_first_not_of("0123456789") == std::string::npos) return std::stoi(text);
    wrong(fmt::format("{} {} is no {}", name, printable(text), what), hint);
}

/// Each look costs the host's time.
std::chrono::milliseconds parse_interval(const std::string& text) {
    const auto time = parse_duration("--interval", text);
    if (time < std::chrono::seconds(1)) wrong(fmt::format("--interval {} is less than a second", printable(text)), "write --interval 5s");
    return time;
}

std::size_t parse_parallel(const std::string& text) {
    const auto count = parse_number("--parallel", "number of bottles", text, "write --parallel 4");
    if (count == 0) wrong("--parallel 0 would do nothing", "write --parallel 1");
    return static_cast<std::size_t>(count);
}

/// One command's part of the command line, as the library reads it: texts, not judged yet.
struct Raw {
    std::vector<std::string> words;
    std::string timeout;
    std::string interval;
    std::string parallel;
    std::string since;
    std::string tail;
    std::string to;
    std::vector<std::string> selectors;
    bool help = false;
};

void add_option(CLI::App& sub, Opt option, Options& options, Raw& raw) {
    const auto* names = option_text(option).names;
    const auto last = CLI::MultiOptionPolicy::TakeLast;
    switch (option) {
        // One FILE a -f: what follows it is a NAME.
        case Opt::File: sub.add_option(names, options.files)->allow_extra_args(false); break;
        case Opt::Recursive: sub.add_flag(names, options.recursive); break;
        case Opt::Output: sub.add_option(names, options.output)->multi_option_policy(last); break;
        case Opt::Out: sub.add_option(names, options.out)->multi_option_policy(last); break;
        case Opt::Timeout: sub.add_option(names, raw.timeout)->multi_option_policy(last); break;
        case Opt::Interval: sub.add_option(names, raw.interval)->multi_option_policy(last); break;
        case Opt::Parallel: sub.add_option(names, raw.parallel)->multi_option_policy(last); break;
        case Opt::Selector: sub.add_option(names, raw.selectors)->allow_extra_args(false); break;
        case Opt::Since: sub.add_option(names, raw.since)->multi_option_policy(last); break;
        case Opt::Follow: sub.add_flag(names, options.follow); break;
        case Opt::Tail: sub.add_option(names, raw.tail)->multi_option_policy(last); break;
        case Opt::For: sub.add_option(names, options.wait_for)->multi_option_policy(last); break;
        case Opt::Stdin: sub.add_flag(names, options.standard_input); break;
        case Opt::Tty: sub.add_flag(names, options.terminal); break;
        case Opt::Into: sub.add_option(names, options.into)->multi_option_policy(last); break;
        case Opt::Repair: sub.add_flag(names, options.repair); break;
        case Opt::Keep: sub.add_flag(names, options.keep); break;
        case Opt::To: sub.add_option(names, raw.to)->multi_option_policy(last); break;
        case Opt::DryRun: sub.add_flag(names, options.dry_run); break;
        case Opt::Yes: sub.add_flag(names, options.yes); break;
        case Opt::Prune: sub.add_flag(names, options.prune); break;
        case Opt::NoWiden: sub.add_flag(names, options.no_widen); break;
        case Opt::Progress: sub.add_option(names, options.progress)->multi_option_policy(last); break;
        case Opt::Adopt: sub.add_flag(names, options.adopt); break;
        case Opt::NoColor: sub.add_flag(names, options.no_color); break;
        case Opt::Help: sub.add_flag(names, raw.help); break;
    }
}

void add_command(CLI::App& app, const CommandText& command, CommandLine& line, Raw& raw) {
    auto* sub = app.add_subcommand(command.name);
    sub->set_help_flag();
    sub->allow_extras();
    sub->callback([&line, &command] { line.command = &command; });
    for (const auto option : command.options) add_option(*sub, option, line.options, raw);
    for (const auto option : {Opt::NoColor, Opt::Help}) add_option(*sub, option, line.options, raw);
    sub->add_option("WORDS", raw.words);
}

/// Of an option without its value the library says "--file: 1 required …".
[[noreturn]] void bad_option(const std::string& what) {
    const auto name = what.substr(0, what.find(':'));
    wrong(name.starts_with("-") ? fmt::format("{} needs a value", printable(name)) : printable(what), "bottle COMMAND --help   shows the options of a command");
}

void judge(const CommandText& command, const std::vector<std::string>& extras, const Raw& raw, Options& options) {
    if (!extras.empty()) unknown_option(command, extras.front());
    set_operands(command, raw.words, options);
    check_output(command, options.output);
    if (!options.name.empty() && !options.files.empty()) wrong("a NAME and -f are two ways to say which bottle", "give one of them");
    if (!options.out.empty() && !is_plan_file(options.out.find('/') == std::string::npos ? "./" + options.out : options.out)) {
        wrong(fmt::format("--out {} would look like a manifest", printable(options.out)), "for example: " + command.examples.back());
    }
    if (!options.plan.empty() && (!options.files.empty() || options.recursive || options.adopt || options.prune || !raw.selectors.empty())) {
        wrong("a plan says itself which manifests it is of, and how", "leave out -f, -R, -l, --adopt and --prune; bottle plan takes them");
    }
    for (const auto& text : raw.selectors) add_selector(text, options.selector);
    if (!options.names.empty() && !options.selector.empty()) wrong("a NAME and -l are two ways to say which bottle", "give one of them");
    if (options.prune && options.files.empty()) wrong("--prune needs -f: what is in none of those files goes", fmt::format("bottle {} -f bottles/ --prune", command.name));
    check_progress(options.progress);
    const bool waits = std::find(command.options.begin(), command.options.end(), Opt::For) != command.options.end();
    if (waits && options.wait_for.empty()) wrong(fmt::format("bottle {} needs --for: what to wait for", command.name), example_hint(command));
    if (!raw.tail.empty()) options.tail = parse_number("--tail", "number of lines", raw.tail, "write --tail 20");
    if (!raw.to.empty()) options.to = parse_number("--to", "generation", raw.to, "bottle history NAME   shows them");
    if (!raw.since.empty()) options.since = parse_duration("--since", raw.since);
    if (!raw.timeout.empty()) options.timeout = parse_duration("--timeout", raw.timeout);
    if (!raw.interval.empty()) options.interval = parse_interval(raw.interval);
    if (!raw.parallel.empty()) options.parallel = parse_parallel(raw.parallel);
}

/// "help", "help diff" and "--version" are what many other programs answer to.
std::vector<std::string> in_our_words(std::vector<std::string> words) {
    if (words.empty()) return words;
    if (words.front() == "--version") words.front() = "version";
    if (words.front() != "help") return words;
    words.erase(words.begin());
    words.emplace_back("--help");
    return words;
}

}  // namespace

bool is_bottle_name(const std::string& text) {
    constexpr std::size_t kLongest = 40;
    if (text.empty() || text.size() > kLongest || text.front() < 'a' || text.front() > 'z' || text.back() == '-') return false;
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

std::chrono::milliseconds parse_duration(const std::string& name, const std::string& text) {
    const std::pair<const char*, std::int64_t> units[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
    for (const auto& [unit, factor] : units) {
        const std::string_view suffix = unit;
        if (text.size() <= suffix.size() || !text.ends_with(suffix)) continue;
        const auto digits = text.substr(0, text.size() - suffix.size());
        if (digits.size() <= 7 && digits.find_first_not_of("0123456789") == std::string::npos) return std::chrono::milliseconds(std::stoll(digits) * factor);
    }
    wrong(fmt::format("{} {} is no time", name, printable(text)), "write 90s, 5m or 1h");
}

CommandLine read_command_line(const std::vector<std::string>& given) {
    CommandLine line;
    Raw raw;
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    for (const auto& command : command_texts()) add_command(app, command, line, raw);
    for (const auto option : {Opt::NoColor, Opt::Help}) add_option(app, option, line.options, raw);
    auto words = in_our_words(given);
    // What stands after -- is no option of ours, whatever it looks like.
    const auto mark = std::find(words.begin(), words.end(), "--");
    const std::vector<std::string> after(mark == words.end() ? mark : mark + 1, words.end());
    words.erase(mark, words.end());
    std::reverse(words.begin(), words.end());
    try {
        app.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        bad_option(error.what());
    }
    const auto before = app.remaining();
    if (!before.empty() && !before.front().starts_with("-")) unknown_command(before.front());
    if (!before.empty()) wrong(fmt::format("{} stands where a command is expected", printable(before.front())), "options stand behind the command: bottle diff -f bottle.yaml");
    if (line.command == nullptr) {
        if (!raw.help) wrong("a command is missing", "bottle --help   shows the commands");
        line.help = overview();
        return line;
    }
    if (raw.help) {
        line.help = help_of(*line.command);
        return line;
    }
    raw.words.insert(raw.words.end(), after.begin(), after.end());
    if (!line.command->outputs.empty() && line.options.output == "text") line.options.output = line.command->outputs.front();
    judge(*line.command, app.get_subcommand(line.command->name)->remaining(), raw, line.options);
    return line;
}

}  // namespace bottle
