#include "cli/json_parts.h"

#include "manifests/error.h"

#include <nlohmann/json.hpp>

namespace bottle {

using nlohmann::json;

std::string dump(const json& document) {
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json conditions_json(const std::vector<Condition>& conditions, const std::map<std::string, std::string>& since, std::int64_t generation) {
    json all = json::array();
    for (const auto& c : conditions) {
        const auto time = since.find(c.type);
        all.push_back({{"type", c.type}, {"status", c.status}, {"reason", c.reason}, {"message", c.message},
                       {"lastTransitionTime", time == since.end() ? json() : json(time->second)}, {"observedGeneration", generation}});
    }
    return all;
}

json ports_json(const std::vector<BundlePort>& ports) {
    json all = json::array();
    for (const auto& port : ports) all.push_back({{"container", port.container}, {"name", port.name}, {"port", port.port}});
    return all;
}

json evidence_json(const Evidence& e) {
    return {{"kind", name_of(e.kind)}, {"verdict", name_of(e.verdict)}, {"reading", printable(e.reading)}, {"digest", e.digest}};
}

json text_or_null(const std::string& text) {
    return text.empty() ? json() : json(text);
}

}  // namespace bottle
