#include "schema/defaults.h"

#include "schema/schema.h"

#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json filled(const ordered_json& node, const json& value);

ordered_json filled_map(const ordered_json& node, const json& value) {
    auto map = ordered_json::object();
    if (node.contains("properties")) {
        for (const auto& [key, member] : node["properties"].items()) {
            if (value.contains(key)) map[key] = filled(member, value[key]);
            else if (member.contains("default")) map[key] = filled(member, json(member["default"]));
        }
    }
    // The keys that the user chose: names of variables, labels, repositories.
    for (const auto& [key, member] : value.items()) {
        if (!map.contains(key)) map[key] = filled(node.value("additionalProperties", ordered_json()), member);
    }
    return map;
}

ordered_json filled(const ordered_json& node, const json& value) {
    if (value.is_object()) return filled_map(node, value);
    if (!value.is_array()) return ordered_json(value);
    auto list = ordered_json::array();
    for (const auto& entry : value) list.push_back(filled(node.value("items", ordered_json()), entry));
    return list;
}

}  // namespace

ordered_json with_defaults(const json& document) {
    return filled(schema_json(DocumentKind::Manifest), document);
}

}  // namespace bottle
