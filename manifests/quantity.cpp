#include "manifests/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
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
    static const std::map<std::string, std::string> spellings = {{"kib", "Ki"}, {"kb", "Ki"}, {"ki", "Ki"}, {"mib", "Mi"}, {"mb", "Mi"}, {"mi", "Mi"}, {"m", "Mi"},
                                                                 {"gib", "Gi"}, {"gb", "Gi"}, {"gi", "Gi"}, {"g", "Gi"}, {"tib", "Ti"}, {"tb", "Ti"}, {"ti", "Ti"}, {"t", "Ti"}};
    const auto found = spellings.find(unit);
    return found == spellings.end() ? std::string() : found->second;
}

}  // namespace

Quantity read_quantity(const std::string& text) {
    const auto end = text.find_first_not_of("0123456789");
    const auto digits = text.substr(0, end);
    auto unit = end == std::string::npos ? std::string() : text.substr(end);
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc()) return {0, fmt::format("\"{}\" is no quantity", text), "for example 512Mi or 4Gi"};
    const auto known = kUnits.find(unit);
    if (known == kUnits.end()) {
        unit.erase(0, unit.find_first_not_of(' '));
        const auto right = meant(unit);
        return {0, fmt::format("\"{}\" is no quantity", text), right.empty() ? "for example 512Mi or 4Gi" : fmt::format("write {}{}", number, right)};
    }
    constexpr std::int64_t kMost = std::int64_t{1} << 60;
    if (number != 0 && known->second > kMost / number) return {0, fmt::format("\"{}\" is too much", text), ""};
    return {number * known->second, "", ""};
}

}  // namespace bottle
