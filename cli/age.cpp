#include "cli/age.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace bottle {
namespace {

/// "5m12s", "3h": the second unit only where it is not 0.
std::string two_units(std::int64_t first, const char* unit, std::int64_t second, const char* small) {
    return second == 0 ? fmt::format("{}{}", first, unit) : fmt::format("{}{}{}{}", first, unit, second, small);
}

}  // namespace

std::optional<std::int64_t> seconds_of(const std::string& time) {
    std::tm parts{};
    const char* end = strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == nullptr) return std::nullopt;
    std::string rest = end;
    if (rest.starts_with(".")) rest.erase(0, std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
    if (rest != "Z") return std::nullopt;
    return static_cast<std::int64_t>(timegm(&parts));
}

std::string time_of(std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::string text(32, '\0');
    text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc));
    return text;
}

std::string age(const std::string& since, std::int64_t now) {
    const auto then = seconds_of(since);
    if (!then) return "<unknown>";
    const auto seconds = std::max<std::int64_t>(now - *then, 0);
    const auto minutes = seconds / 60;
    const auto hours = minutes / 60;
    const auto days = hours / 24;
    if (seconds < 120) return fmt::format("{}s", seconds);
    if (minutes < 10) return two_units(minutes, "m", seconds % 60, "s");
    if (minutes < 180) return fmt::format("{}m", minutes);
    if (hours < 8) return two_units(hours, "h", minutes % 60, "m");
    if (hours < 48) return fmt::format("{}h", hours);
    if (days < 8) return two_units(days, "d", hours % 24, "h");
    return fmt::format("{}d", days);
}

std::int64_t now_in_seconds() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

}  // namespace bottle
