#include "manifests/text_check.h"

#include <fmt/format.h>

namespace bottle {
namespace {

bool begins_line(const std::string& text, std::size_t at) {
    return at == 0 || text[at - 1] == '\n';
}

bool is_indentation(const std::string& text, std::size_t at) {
    const auto line = text.rfind('\n', at);
    const auto begin = line == std::string::npos ? 0 : line + 1;
    return text.find_first_not_of(" \t", begin) > at;
}

bool is_document_end(const std::string& text, std::size_t at) {
    if (text.compare(at, 3, "...") != 0) return false;
    return at + 3 == text.size() || text[at + 3] == '\n' || text[at + 3] == '\r' || text[at + 3] == ' ';
}

}  // namespace

void check_text(const SourceText& source, std::vector<Problem>& problems) {
    const auto& text = source.text();
    const auto refuse = [&](std::size_t at, std::string what, std::string hint = {}) {
        problems.push_back(source.problem(source.place(at), std::move(what), std::move(hint)));
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\n') continue;
        if (c == '\r') {
            if (at + 1 < text.size() && text[at + 1] == '\n') continue;
            return refuse(at, "a carriage return without a line feed");
        }
        if (c == '\t') {
            if (is_indentation(text, at)) return refuse(at, "a tab in the indentation", "indent with spaces");
            continue;
        }
        if (begins_line(text, at) && c == '%') return refuse(at, "directives (%…) are not allowed");
        if (begins_line(text, at) && is_document_end(text, at)) return refuse(at, "document ends (...) are not allowed", "begin the next document with ---");
        // The longest UTF-8 sequence has four bytes: whether what begins here is a character is told by printing it.
        const auto length = static_cast<unsigned char>(c) < 0x80 ? 1u : static_cast<unsigned char>(c) < 0xE0 ? 2u : static_cast<unsigned char>(c) < 0xF0 ? 3u : 4u;
        const auto character = text.substr(at, length);
        if (const auto safe = printable(character); safe != character) {
            return refuse(at, fmt::format("{} is not allowed here: it is no UTF-8 text, or a character that cannot be seen", safe.substr(0, 16)));
        }
        at += length - 1;
    }
}

}  // namespace bottle
