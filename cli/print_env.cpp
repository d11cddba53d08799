#include "cli/print_env.h"

#include "cli/json_parts.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

std::pair<std::string, std::string> split(const std::string& variable) {
    const auto equals = variable.find('=');
    return {variable.substr(0, equals), variable.substr(equals + 1)};
}

}  // namespace

std::string shell_quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string env_text(const std::vector<std::string>& environment) {
    std::string text;
    for (const auto& variable : environment) {
        const auto [name, value] = split(variable);
        text += fmt::format("export {}={}\n", name, shell_quoted(value));
    }
    return text;
}

std::string env_json(const std::string& bottle, const std::vector<std::string>& environment) {
    nlohmann::json variables = nlohmann::json::object();
    for (const auto& variable : environment) {
        const auto [name, value] = split(variable);
        variables[name] = value;
    }
    return dump({{"format", "bottle.env/v1"}, {"bottle", bottle}, {"variables", variables}});
}

}  // namespace bottle
