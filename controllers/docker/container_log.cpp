#include "controllers/docker/container_log.h"

#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <optional>

namespace bottle {
namespace {

struct Moment {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
};

/// "2026-11-24T12:20:56.123456789Z", with nine digits or fewer.
std::optional<Moment> parse_moment(const std::string& text) {
    std::tm parts{};
    const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == nullptr) return std::nullopt;
    Moment moment{static_cast<std::int64_t>(timegm(&parts)), 0};
    if (*end == '.') {
        std::int64_t unit = 100'000'000;
        for (++end; *end >= '0' && *end <= '9'; ++end, unit /= 10) moment.nanoseconds += unit * (*end - '0');
    }
    if (*end != 'Z' || end[1] != '\0') return std::nullopt;
    return moment;
}

}  // namespace

ContainerLog read_container_log(const std::string& body) {
    constexpr std::size_t kHeader = 8;
    ContainerLog log;
    for (std::size_t at = 0; at + kHeader <= body.size();) {
        std::size_t length = 0;
        for (std::size_t i = 4; i < kHeader; ++i) length = length << 8 | static_cast<unsigned char>(body[at + i]);
        const auto message = body.substr(at + kHeader, length);
        at += kHeader + length;
        const auto space = message.find(' ');
        const auto time = space == std::string::npos ? std::string() : message.substr(0, space);
        const bool timed = parse_moment(time).has_value();
        log.text += timed ? message.substr(space + 1) : message;
        if (timed) log.last = time;
    }
    return log;
}

std::string after(const std::string& last) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const auto moment = parse_moment(last);
    if (!moment) return {};
    const auto next = moment->nanoseconds + 1;
    return fmt::format("{}.{:09}", moment->seconds + next / kSecond, next % kSecond);
}

}  // namespace bottle
