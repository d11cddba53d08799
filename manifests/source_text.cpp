#include "manifests/yaml_document.h"

#include <algorithm>

namespace bottle {

SourceText::SourceText(std::string file, std::string text) : file_(std::move(file)), text_(std::move(text)), starts_{0} {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.rfind(kByteOrderMark, 0) == 0) text_.erase(0, kByteOrderMark.size());
    for (std::size_t i = 0; i < text_.size(); ++i) {
        if (text_[i] == '\n') starts_.push_back(i + 1);
    }
}

std::string SourceText::line(int number) const {
    constexpr std::size_t kShown = 160;
    if (number < 1 || static_cast<std::size_t>(number) > starts_.size()) return {};
    const auto begin = starts_[static_cast<std::size_t>(number) - 1];
    const auto end = std::min(text_.find('\n', begin), text_.size());
    auto line = text_.substr(begin, std::min(end - begin, kShown));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return printable(line);
}

std::size_t SourceText::offset(int line, int column) const {
    if (line < 1 || static_cast<std::size_t>(line) > starts_.size()) return text_.size();
    return std::min(text_.size(), starts_[static_cast<std::size_t>(line) - 1] + static_cast<std::size_t>(std::max(column, 1) - 1));
}

Place SourceText::place(std::size_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    const auto line = after - starts_.begin();
    return {file_, static_cast<int>(line), static_cast<int>(offset - *(after - 1)) + 1};
}

Problem SourceText::problem(const Place& place, std::string text, std::string hint) const {
    return {place, std::move(text), std::move(hint), line(place.line)};
}

Place YamlDocument::place_of(std::string pointer, bool at_key) const {
    if (at_key) {
        if (const auto key = keys.find(pointer); key != keys.end()) return key->second;
    }
    for (;;) {
        if (const auto value = values.find(pointer); value != values.end()) return value->second;
        if (pointer.empty()) return {};
        pointer.erase(pointer.rfind('/'));
    }
}

}  // namespace bottle
