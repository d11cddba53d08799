#include "manifests/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace bottle {
namespace {

/// Length of the valid UTF-8 sequence at `at`, 0 for none.
std::size_t utf8_length(const std::string& text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(at);
    const std::size_t length = first < 0x80 ? 1 : first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
    if (length == 0 || at + length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return 0;
    }
    // Overlong forms, surrogates, and what lies beyond Unicode.
    if (length == 3 && ((first == 0xE0 && byte(at + 1) < 0xA0) || (first == 0xED && byte(at + 1) > 0x9F))) return 0;
    if (length == 4 && ((first == 0xF0 && byte(at + 1) < 0x90) || (first == 0xF4 && byte(at + 1) > 0x8F))) return 0;
    return length;
}

/// C0, DEL, C1, and the marks that turn the direction of text round.
bool is_control(const std::string& text, std::size_t at, std::size_t length) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (length == 1) return first < 0x20 || first == 0x7F;
    if (length == 2) return first == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    if (length != 3 || first != 0xE2) return false;
    const auto second = static_cast<unsigned char>(text[at + 1]);
    const auto third = static_cast<unsigned char>(text[at + 2]);
    return (second == 0x80 && (third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE))) || (second == 0x81 && third >= 0xA6 && third <= 0xA9);
}

/// The caret stands under the byte's column; tabs before it are kept so that it stays there.
std::string caret_under(const std::string& line, int column) {
    std::string space;
    const auto count = std::min(line.size(), static_cast<std::size_t>(std::max(column, 1) - 1));
    for (std::size_t i = 0; i < count; ++i) {
        if ((line[i] & 0xC0) == 0x80) continue;
        space += line[i] == '\t' ? '\t' : ' ';
    }
    return space + "^";
}

std::string render_problem(const Problem& problem) {
    std::string text;
    if (problem.place) text += to_string(*problem.place) + ": ";
    text += "error: " + problem.text + "\n";
    if (problem.place && !problem.source_line.empty()) {
        text += fmt::format("    {}\n    {}\n", problem.source_line, caret_under(problem.source_line, problem.place->column));
    }
    if (!problem.hint.empty()) text += fmt::format("  hint: {}\n", problem.hint);
    return text;
}

}  // namespace

std::string to_string(const Place& place) {
    auto text = printable(place.file);
    if (place.line > 0) text += fmt::format(":{}", place.line);
    if (place.line > 0 && place.column > 0) text += fmt::format(":{}", place.column);
    return text;
}

Error::Error(Exit exit, std::string text, std::string hint) : exit_(exit), problems_{{std::nullopt, std::move(text), std::move(hint), {}}} {}

Error::Error(Exit exit, std::vector<Problem> problems) : exit_(exit), problems_(std::move(problems)) {
    if (problems_.empty()) problems_.push_back({std::nullopt, "failed", {}, {}});
}

Error& Error::add_trace(std::string circumstance) {
    trace_.push_back(std::move(circumstance));
    return *this;
}

std::string render(const Error& error) {
    std::string text;
    for (auto circumstance = error.trace().rbegin(); circumstance != error.trace().rend(); ++circumstance) text += *circumstance + ":\n";
    for (const auto& problem : error.problems()) text += render_problem(problem);
    return text;
}

std::string printable(const std::string& text) {
    std::string safe;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = utf8_length(text, at);
        if (length == 0 || is_control(text, at, length)) {
            const auto bytes = std::max<std::size_t>(length, 1);
            for (std::size_t i = 0; i < bytes; ++i) safe += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[at + i]));
            at += bytes;
        } else {
            safe += text.substr(at, length);
            at += length;
        }
    }
    return safe;
}

}  // namespace bottle
