#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bottle {

/// Seconds since 1970 of an RFC 3339 time in UTC, fractions cut off ("2026-11-24T12:20:56Z"). Nothing for any other text.
std::optional<std::int64_t> seconds_of(const std::string& time);

/// The reverse.
std::string time_of(std::int64_t seconds);

/// How long ago, as kubectl says it: "45s", "5m12s", "3h", "2d4h", "12d"; "<unknown>" where there is no time. A time that is still to come is "0s".
std::string age(const std::string& since, std::int64_t now);

/// Seconds since 1970, now.
std::int64_t now_in_seconds();

}  // namespace bottle
