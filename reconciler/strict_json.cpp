#include "reconciler/strict_json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

namespace bottle {

StrictJson parse_strict_json(const std::string& text, std::size_t max_bytes, int max_depth) {
    if (text.size() > max_bytes) return {{}, fmt::format("it has {} bytes, more than {}", text.size(), max_bytes)};
    using Event = nlohmann::json::parse_event_t;
    std::string problem;
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int depth, Event event, nlohmann::json& parsed) {
        if (depth > max_depth && problem.empty()) problem = fmt::format("it is nested deeper than {}", max_depth);
        if (event == Event::object_start) keys.emplace_back();
        if (event == Event::object_end && !keys.empty()) keys.pop_back();
        if (event == Event::key && !keys.empty() && !keys.back().insert(parsed.get<std::string>()).second && problem.empty()) {
            problem = fmt::format("the key {} stands in it twice", parsed.get<std::string>());
        }
        return problem.empty();
    };
    try {
        auto value = nlohmann::json::parse(text, watch);
        if (!problem.empty()) return {{}, problem};
        return {std::move(value), {}};
    } catch (const nlohmann::json::exception&) {
        return {{}, problem.empty() ? "it is no JSON" : problem};
    }
}

}  // namespace bottle
