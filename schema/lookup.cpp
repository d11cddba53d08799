#include "schema/schema.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::ordered_json;

/// The node of one member: a key's of a mapping, or any entry's of a list.
const ordered_json* member_of(const ordered_json& node, const std::string& name) {
    if (node.contains("properties") && node["properties"].contains(name)) return &node["properties"][name];
    if (node.contains("additionalProperties") && node["additionalProperties"].is_object()) return &node["additionalProperties"];
    if (node.contains("items")) return &node["items"];
    return nullptr;
}

}  // namespace

const ordered_json& schema_json(DocumentKind kind) {
    static const auto manifest = ordered_json::parse(schema_text(DocumentKind::Manifest));
    static const auto host_policy = ordered_json::parse(schema_text(DocumentKind::HostPolicy));
    return kind == DocumentKind::HostPolicy ? host_policy : manifest;
}

const ordered_json* schema_at(const std::string& pointer) {
    const auto* node = &schema_json(DocumentKind::Manifest);
    for (std::size_t begin = 1; begin <= pointer.size() && node != nullptr;) {
        const auto end = std::min(pointer.find('/', begin), pointer.size());
        node = member_of(*node, pointer.substr(begin, end - begin));
        begin = end + 1;
    }
    return node;
}

}  // namespace bottle
