#include "cli/consent.h"

#include "cli/print.h"
#include "cli/screen.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

namespace bottle {
namespace {

/// What people type; the rest of a longer line is no answer.
constexpr std::size_t kLongest = 64;

/// Up to the end of the line or of the input. A signal ends it: whoever presses Ctrl-C at a question wants none of it.
std::string read_answer() {
    std::string answer;
    for (char c = 0;;) {
        const auto count = read(STDIN_FILENO, &c, 1);
        if (count < 0 && errno == EINTR) throw Error(Exit::Interrupted, "interrupted: nothing was done");
        if (count <= 0 || c == '\n') return answer;
        if (answer.size() < kLongest) answer += c;
    }
}

std::vector<std::string> losers(const std::vector<Plan>& plans) {
    std::vector<std::string> names;
    for (const auto& plan : plans) {
        if (loses_data(plan)) names.push_back(plan.bottle);
    }
    return names;
}

}  // namespace

bool is_yes(const std::string& answer) {
    std::string word = answer;
    word.erase(0, word.find_first_not_of(" \t"));
    word.erase(word.find_last_not_of(" \t\r") + 1);
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return word == "y" || word == "yes";
}

void must_consent(const std::vector<Plan>& plans, const Options& options, const std::string& way, bool shown) {
    const auto names = losers(plans);
    if (options.yes || names.empty()) return;
    const auto whose = fmt::format("bottle{} {}", names.size() == 1 ? "" : "s", fmt::join(names, ", "));
    if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) {
        throw Error(Exit::Precondition, fmt::format("data of {} would be lost, and there is no terminal to ask on: nothing was done", whose), way);
    }
    for (const auto& plan : plans) {
        if (!shown) say(paint_signs(to_text(plan), screen_of(options, STDERR_FILENO)));
    }
    say(fmt::format("Delete data of {}? [y/N] ", whose));
    const auto answer = read_answer();
    if (!is_yes(answer)) throw Error(Exit::Failed, "not answered with yes: nothing was done");
}

}  // namespace bottle
