#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace bottle {

/// What a document is, and so which schema it is held to.
enum class DocumentKind { Manifest, HostPolicy };

/// The JSON Schema (draft-7), bottle.v1.schema.json or host_policy.v1.schema.json as it is in the checkout: it is the reference of all keys.
std::string_view schema_text(DocumentKind kind);

/// The same as a value, its keys in the order of the file.
const nlohmann::ordered_json& schema_json(DocumentKind kind);

/// What the schema of manifests says of the value at a JSON pointer: the node with its type, description and examples, not the rules for whole bottles.
/// nullptr where it knows no such key.
const nlohmann::ordered_json* schema_at(const std::string& pointer);

}  // namespace bottle
