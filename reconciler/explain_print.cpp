#include "reconciler/explain.h"
#include "reconciler/problem_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

std::string asked_text(const NetworkSpec& asked) {
    return asked.mode ? name_of(*asked.mode) : "auto";
}

std::string line_of(const std::string& what, const std::string& value, const std::string& text) {
    return fmt::format("  {:<9} {:<13} {}\n", what, value, printable(text));
}

const char* state_of(const Enforcement& wall) {
    if (!wall.there) return "none";
    return wall.verdict ? name_of(*wall.verdict) : "not running";
}

}  // namespace

std::string to_text(const Explanation& e) {
    auto text = "bottle " + e.bottle;
    if (!e.place.file.empty()) text += fmt::format("  ({}:{})", e.place.file, e.place.line);
    text += "\n" + line_of("mode", name_of(e.choice.mode), e.choice.why);
    for (const auto& problem : e.choice.problems) {
        text += line_of("", "refused", (problem.place ? to_string(*problem.place) + ": " : std::string()) + problem.text);
        if (!problem.hint.empty()) text += line_of("", "", problem.hint);
    }
    if (!e.choice.problems.empty()) return text;
    if (!e.socket.empty()) text += line_of("reaches", "by a socket", e.socket);
    else text += line_of("reaches", e.address, e.held ? "held by this bottle" : "not held yet: the first apply takes what is free then");
    for (const auto& port : e.ports) text += line_of("", fmt::format("  tcp {}", port.port), fmt::format("{} of container {}", port.name, port.container));
    for (const auto& wall : e.enforced_by) {
        text += line_of(wall.by, state_of(wall), wall.text);
        if (!wall.doubt.empty()) text += line_of("", "", wall.doubt);
    }
    return text;
}

std::string to_json(const Explanation& e) {
    json refusals = json::array();
    for (const auto& problem : e.choice.problems) refusals.push_back(problem_json(problem));
    json ports = json::array();
    for (const auto& port : e.ports) ports.push_back({{"container", port.container}, {"name", port.name}, {"port", port.port}});
    json walls = json::array();
    for (const auto& wall : e.enforced_by) {
        walls.push_back({{"by", wall.by}, {"state", state_of(wall)}, {"text", wall.text}, {"doubt", wall.doubt}});
    }
    const json document = {{"format", "bottle.explain/v1"},
                           {"bottle", e.bottle},
                           {"mode", {{"asked", asked_text(e.asked)}, {"is", name_of(e.choice.mode)}, {"why", e.choice.why}, {"refusals", refusals}}},
                           {"bundle", {{"address", e.address}, {"held", e.held}, {"socket", e.socket.empty() ? json() : json(e.socket)}, {"ports", ports}}},
                           {"machineRuns", e.running},
                           {"enforcedBy", walls}};
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace bottle
