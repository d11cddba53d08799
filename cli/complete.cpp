#include "cli/complete.h"

#include "cli/command_line.h"
#include "cli/completion_script.h"
#include "cli/help.h"
#include "cli/wait_for.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace bottle {
namespace {

using Words = std::vector<std::string>;

/// The option of the command that is named so, by its long or its short name.
std::optional<Opt> option_named(const CommandText& command, const std::string& word) {
    for (const auto option : options_of(command)) {
        const auto& text = option_text(option);
        if (word == long_name(text) || (word.size() == 2 && std::string(text.names).starts_with(word + ","))) return option;
    }
    return std::nullopt;
}

bool takes_value(Opt option) {
    return *option_text(option).value != '\0';
}

/// What stands between the command and the word that is being written.
struct Before {
    Words operands;
    bool mark = false;        ///< -- was there
    bool has_files = false;   ///< -f with a FILE
    std::optional<Opt> open;  ///< the last word is an option whose value comes next
};

Before read_before(const CommandText& command, const Words& words) {
    Before before;
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
        const auto& word = words[i];
        const auto open = std::exchange(before.open, std::nullopt);
        if (open) continue;
        if (before.mark || word.size() < 2 || word.front() != '-') {
            before.operands.push_back(word);
            continue;
        }
        before.mark = word == "--";
        const auto option = option_named(command, word.substr(0, word.find('=')));
        before.has_files = before.has_files || option == Opt::File;
        if (option && takes_value(*option) && word.find('=') == std::string::npos) before.open = option;
    }
    return before;
}

void add(Candidates& all, const Words& words) {
    for (const auto& word : words) all.words.push_back({word, ""});
}

/// What an option's value may be; before each stands `prefix`: nothing, or "--output=".
Candidates values_of(const CommandText& command, Opt option, const std::string& prefix) {
    Candidates all;
    all.files = option == Opt::File || option == Opt::Out;
    if (option == Opt::Output) add(all, command.outputs);
    if (option == Opt::Progress) add(all, progress_forms());
    if (option == Opt::For) {
        all.words.push_back({"delete", ""});
        for (const auto& type : condition_types()) all.words.push_back({"condition=" + type, ""});
    }
    for (auto& candidate : all.words) candidate.word.insert(0, prefix);
    return all;
}

Candidates option_candidates(const CommandText& command) {
    Candidates all;
    for (const auto option : options_of(command)) all.words.push_back({long_name(option_text(option)), option_help(command, option)});
    return all;
}

Candidates commands() {
    Candidates all;
    for (const auto& command : command_texts()) all.words.push_back({command.name, command.summary});
    return all;
}

Candidates first_words() {
    auto all = commands();
    all.words.push_back({"help", "Show what there is, or what one command takes"});
    for (const char* option : {"--help", "--version"}) all.words.push_back({option, ""});
    return all;
}

/// Whether a NAME may still come, with so many operands there.
bool takes_name(const CommandText& command, std::size_t given) {
    if (command.operands == Operands::None || command.operands == Operands::Shell || command.operands == Operands::Folders) return false;
    return command.operands == Operands::Names || given == 0;
}

Candidates operand_candidates(const CommandText& command, const Before& before, const NamesOfBottles& names) {
    Candidates all;
    const auto given = before.operands.size();
    if (command.operands == Operands::Shell && given == 0) add(all, completion_shells());
    if (command.operands == Operands::NameAndCommand && given == 1) all.words.push_back({"--", "what follows is run in the guest"});
    all.files = command.operands == Operands::NameOrPlan && given == 0 && !before.has_files;
    if (before.has_files || !takes_name(command, given)) return all;
    for (const auto& name : names()) {
        const bool is_there = std::find(before.operands.begin(), before.operands.end(), name) != before.operands.end();
        if (is_bottle_name(name) && !is_there) all.words.push_back({name, ""});
    }
    return all;
}

/// What has a log of its own.
Candidates parts_of(const std::string& bottle, const PartsOfBottle& parts) {
    Candidates all;
    if (!is_bottle_name(bottle)) return all;
    for (const auto& part : parts(bottle)) {
        if (is_bottle_name(part)) all.words.push_back({bottle + "/" + part, ""});
    }
    return all;
}

Candidates of_command(const CommandText& command, const Words& words, const NamesOfBottles& names, const PartsOfBottle& parts) {
    const auto before = read_before(command, words);
    if (before.mark) return {};
    if (before.open) return values_of(command, *before.open, "");
    const auto& current = words.back();
    const auto slash = current.find('/');
    if (command.operands == Operands::NameAndPart && before.operands.empty() && slash != std::string::npos) return parts_of(current.substr(0, slash), parts);
    if (!current.starts_with("-")) return operand_candidates(command, before, names);
    const auto equals = current.find('=');
    if (equals == std::string::npos) return option_candidates(command);
    const auto option = option_named(command, current.substr(0, equals));
    return option && takes_value(*option) ? values_of(command, *option, current.substr(0, equals + 1)) : Candidates{};
}

Candidates of_words(const Words& words, const NamesOfBottles& names, const PartsOfBottle& parts) {
    if (words.size() == 1) return first_words();
    if (words.front() == "help") return words.size() == 2 ? commands() : Candidates{};
    const auto* command = command_text(words.front());
    return command == nullptr ? Candidates{} : of_command(*command, words, names, parts);
}

}  // namespace

Candidates complete(const Words& words, const NamesOfBottles& names, const PartsOfBottle& parts) {
    if (words.empty()) return {};
    auto all = of_words(words, names, parts);
    std::erase_if(all.words, [&](const Candidate& candidate) { return !candidate.word.starts_with(words.back()); });
    return all;
}

std::string candidate_lines(const Candidates& candidates) {
    std::string text = candidates.files ? ":files\n" : "";
    for (const auto& candidate : candidates.words) text += candidate.word + (candidate.text.empty() ? "" : "\t" + candidate.text) + "\n";
    return text;
}

}  // namespace bottle
