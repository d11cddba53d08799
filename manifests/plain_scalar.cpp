#include "manifests/plain_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

namespace bottle {
namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool all_of(const std::string& text, const char* allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == std::string::npos;
}

/// -?(0|[1-9][0-9]*)
bool is_integer(std::string text) {
    if (!text.empty() && text.front() == '-') text.erase(0, 1);
    return all_of(text, "0123456789") && (text == "0" || text.front() != '0');
}

/// An integer, a point and digits.
bool is_decimal(const std::string& text) {
    const auto point = text.find('.');
    return point != std::string::npos && is_integer(text.substr(0, point)) && all_of(text.substr(point + 1), "0123456789");
}

/// Something that YAML 1.1, YAML 1.2 or C reads as a number and we do not: octal, hexadecimal, 1_000, 22:22, +5, 1e3, .inf.
bool is_number_elsewhere(const std::string& text) {
    auto rest = lower(text);
    if (rest.front() == '+' || rest.front() == '-') rest.erase(0, 1);
    if (rest == ".inf" || rest == ".nan") return true;
    if (rest.empty() || std::isdigit(static_cast<unsigned char>(rest.front())) == 0) return false;
    for (const auto* prefix : {"0x", "0o", "0b"}) {
        if (rest.rfind(prefix, 0) == 0 && all_of(rest.substr(2), "0123456789abcdef_")) return true;
    }
    if (all_of(rest, "0123456789_")) return true;
    if (all_of(rest, "0123456789:") && rest.find(':') != std::string::npos) return true;
    const auto exponent = rest.find('e');
    return exponent != std::string::npos && all_of(rest.substr(0, exponent), "0123456789.") && all_of(rest.substr(exponent + 1), "0123456789+-");
}

}  // namespace

PlainScalar read_plain_scalar(const std::string& text) {
    static const std::set<std::string> kTruthElsewhere = {"yes", "no", "on", "off", "y", "n", "true", "false"};
    if (text.empty() || text == "~" || text == "null") return {nullptr, "", ""};
    if (text == "true" || text == "false") return {text == "true", "", ""};
    if (kTruthElsewhere.count(lower(text)) > 0) {
        return {nullptr, fmt::format("{} is a truth value to one reader and a text to another", text), fmt::format("write true or false, or quote it: \"{}\"", text)};
    }
    if (lower(text) == "null") return {nullptr, text + " is nothing to one reader and a text to another", fmt::format("write null, or quote it: \"{}\"", text)};
    if (is_integer(text)) {
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc()) return {nullptr, text + " is too large a number", ""};
        return {value, "", ""};
    }
    if (is_decimal(text)) return {std::stod(text), "", ""};
    if (is_number_elsewhere(text)) return {nullptr, text + " is one number to one reader and another, or a text, to the next", fmt::format("write it in plain decimal digits, or quote it: \"{}\"", text)};
    return {text, "", ""};
}

}  // namespace bottle
