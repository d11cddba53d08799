#include "manifests/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>

namespace bottle {
namespace {

constexpr std::int64_t kKibi = 1024;

const std::map<std::string, std::int64_t> kUnits = {
    {"", 1}, {"Ki", kKibi}, {"Mi", kKibi * kKibi}, {"Gi", kKibi * kKibi * kKibi}, {"Ti", kKibi * kKibi * kKibi * kKibi},
    {"k", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}, {"T", 1'000'000'000'000}};

/// The unit that people mean by other spellings; the binary one, as Docker's "4g".
std::string meant(std::string unit) {
    std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    static const std::map<std::string, std::string> spellings = {{"kib", "Ki"}, {"k", "Ki"}, {"kb", "Ki"}, {"ki", "Ki"}, {"mib", "Mi"}, {"mb", "Mi"}, {"mi", "Mi"}, {"m", "Mi"}, {"megabytes", "Mi"},
                                                                 {"gib", "Gi"}, {"gb", "Gi"}, {"gi", "Gi"}, {"g", "Gi"}, {"gigabytes", "Gi"}, {"tib", "Ti"}, {"tb", "Ti"}, {"ti", "Ti"}, {"t", "Ti"}};
    const auto found = spellings.find(unit);
    return found == spellings.end() ? std::string() : found->second;
}

/// 1.5Gi as 1536Mi: a quantity is a whole number. Empty where it would be none, or is no such number.
std::string without_fraction(const std::string& digits, const std::string& unit) {
    static const std::map<std::string, std::string> smaller = {{"Mi", "Ki"}, {"Gi", "Mi"}, {"Ti", "Gi"}};
    const auto next = smaller.find(unit);
    const auto point = digits.find('.');
    if (next == smaller.end() || point == std::string::npos || point == 0 || point + 1 == digits.size() || digits.size() > 12 || digits.find('.', point + 1) != std::string::npos) return {};
    const auto in_smaller = std::stod(digits) * kKibi;
    return in_smaller == std::floor(in_smaller) ? fmt::format("write {:.0f}{}", in_smaller, next->second) : std::string();
}

Quantity none(const std::string& text, const std::string& hint) {
    return {0, fmt::format("\"{}\" is no quantity", text), hint.empty() ? "for example 512Mi or 4Gi" : hint};
}

}  // namespace

Quantity read_quantity(const std::string& text) {
    const auto end = text.find_first_not_of("0123456789.");
    const auto digits = text.substr(0, end);
    auto unit = end == std::string::npos ? std::string() : text.substr(end);
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool whole = !digits.empty() && error == std::errc() && rest == digits.data() + digits.size();
    const auto known = kUnits.find(unit);
    if (known == kUnits.end() || !whole) {
        if (digits.empty() || error != std::errc()) return none(text, "");
        if (known == kUnits.end()) {
            unit.erase(0, unit.find_first_not_of(' '));
            unit = meant(unit);
        }
        return none(text, whole ? unit.empty() ? "" : fmt::format("write {}{}", number, unit) : without_fraction(digits, unit));
    }
    constexpr std::int64_t kMost = std::int64_t{1} << 60;
    if (number != 0 && known->second > kMost / number) return {0, fmt::format("\"{}\" is too much", text), ""};
    return {number * known->second, "", ""};
}

Quantity quantity_of_number(const std::string& digits) {
    Quantity quantity{0, digits + " has no unit", "for example 512Mi or 4Gi"};
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || number <= 0) return quantity;
    if (rest != digits.data() + digits.size()) {
        const auto right = without_fraction(digits, "Gi");
        if (!right.empty()) quantity.hint = fmt::format("write {}Gi as {}", digits, right.substr(std::string("write ").size()));
        return quantity;
    }
    constexpr std::int64_t kMebi = kKibi * kKibi;
    constexpr std::int64_t kGibi = kMebi * kKibi;
    // smolvm counts in Mi, Compose in bytes, people in Gi.
    if (number % kGibi == 0) quantity.hint = fmt::format("write {}Gi", number / kGibi);
    else if (number % kMebi == 0) quantity.hint = fmt::format("write {}Mi", number / kMebi);
    else if (number < kKibi) quantity.hint = fmt::format("write {0}Gi or {0}Mi", number);
    else if (number < kMebi) quantity.hint = fmt::format("write {}Mi", number);
    return quantity;
}

std::string quantity_text(std::int64_t bytes) {
    for (const auto* unit : {"Gi", "Mi", "Ki"}) {
        const auto size = kUnits.at(unit);
        if (bytes % size == 0) return fmt::format("{}{}", bytes / size, unit);
    }
    return std::to_string(bytes);
}

}  // namespace bottle
