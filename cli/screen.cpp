#include "cli/screen.h"

#include "manifests/error.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <sstream>

namespace bottle {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 4;

/// Code points: "→" takes one place.
std::size_t length_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::size_t> natural_widths(const std::vector<TableRow>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], length_of(row[i].text));
    }
    return widths;
}

void fit(std::vector<std::size_t>& widths, std::size_t screen) {
    if (screen == 0 || widths.empty()) return;
    auto total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
    while (total > screen) {
        auto widest = std::max_element(widths.begin(), widths.end());
        if (*widest <= kNarrowest) return;
        --*widest;
        --total;
    }
}

std::string line_of(const TableRow& row, const std::vector<std::size_t>& widths, const Screen& screen) {
    std::string line;
    std::size_t owed = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const auto text = cut_to(row[i].text, widths[i]);
        // Spaces before the next text that there is: none at the end of a line.
        if (!text.empty()) line += std::string(owed, ' ') + screen.paint(row[i].tone, text);
        if (!text.empty()) owed = 0;
        owed += widths[i] - length_of(text) + kGap;
    }
    return line + "\n";
}

/// Columns two spaces apart, instead of below one another.
std::string closer_together(const std::string& line) {
    const auto begin = std::min(line.find_first_not_of(' '), line.size());
    auto text = line.substr(0, begin);
    for (std::size_t i = begin; i < line.size(); ++i) {
        if (line[i] != ' ' || i < 2 || line[i - 1] != ' ' || line[i - 2] != ' ') text += line[i];
    }
    return text;
}

/// The line in as many as it takes; a word that is wider than the screen stays whole.
std::string fitted(const std::string& line, std::size_t width) {
    constexpr std::size_t kIndent = 6;
    if (width == 0 || length_of(line) <= width) return line;
    auto rest = closer_together(line);
    std::string text;
    while (length_of(rest) > width) {
        auto end = std::string::npos;
        const auto begin = rest.find_first_not_of(' ');
        for (auto space = rest.find(' ', begin); space != std::string::npos; space = rest.find(' ', space + 1)) {
            if (end != std::string::npos && length_of(rest.substr(0, space)) > width) break;
            end = space;
        }
        const auto next = end == std::string::npos ? end : rest.find_first_not_of(' ', end);
        if (next == std::string::npos) break;
        text += rest.substr(0, end) + "\n";
        rest = std::string(kIndent, ' ') + rest.substr(next);
    }
    return text + rest;
}

}  // namespace

std::string cut_to(const std::string& text, std::size_t width) {
    if (length_of(text) <= width) return text;
    std::size_t at = 0;
    for (std::size_t points = 0; at < text.size(); ++at) {
        if ((text[at] & 0xC0) != 0x80 && points++ == width - 1) break;
    }
    return text.substr(0, at) + "…";
}

Tone tone_of_sign(char sign) {
    switch (sign) {
        case '+':
        case '>': return Tone::Good;
        case '-':
        case '!': return Tone::Bad;
        case '~':
        case '?': return Tone::Doubt;
        default: return Tone::Plain;
    }
}

std::string Screen::paint(Tone tone, const std::string& text) const {
    if (!colour || tone == Tone::Plain || text.empty()) return text;
    const char* code = tone == Tone::Good ? "32" : tone == Tone::Bad ? "31" : "33";
    return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

bool wants_colour(bool terminal, bool no_color, const std::string& no_color_variable) {
    return terminal && !no_color && no_color_variable.empty();
}

Screen screen_of(const Options& options, int descriptor) {
    const bool terminal = isatty(descriptor) != 0;
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || std::string(term) == "dumb";
    Screen screen;
    screen.colour = wants_colour(terminal && !dumb, options.no_color, no_color == nullptr ? "" : no_color);
    winsize size{};
    if (terminal && ioctl(descriptor, TIOCGWINSZ, &size) == 0) screen.width = size.ws_col;
    return screen;
}

Tone tone_of_status(const std::string& status) {
    return status == "True" ? Tone::Good : status == "False" ? Tone::Bad : Tone::Doubt;
}

std::string table(const std::vector<TableRow>& given, const Screen& screen) {
    auto rows = given;
    for (auto& row : rows) {
        for (auto& cell : row) cell.text = printable(cell.text);
    }
    auto widths = natural_widths(rows);
    fit(widths, screen.width);
    std::string text;
    for (const auto& row : rows) text += line_of(row, widths, screen);
    return text;
}

std::string paint_signs(const std::string& plan, const Screen& screen) {
    std::string text;
    std::istringstream lines(plan);
    for (std::string line; std::getline(lines, line);) {
        const bool step = line.size() > 4 && line.starts_with("  ") && line[3] == ' ';
        const auto tone = step ? tone_of_sign(line[2]) : Tone::Plain;
        const auto shown = fitted(line, screen.width);
        text += (step ? "  " + screen.paint(tone, shown.substr(2, 1)) + shown.substr(3) : shown) + "\n";
    }
    return text;
}

}  // namespace bottle
