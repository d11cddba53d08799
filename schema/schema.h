#pragma once

#include <string_view>

namespace bottle {

/// What a document is, and so which schema it is held to.
enum class DocumentKind { Manifest, HostPolicy };

/// The JSON Schema (draft-7), bottle.v1.schema.json or host_policy.v1.schema.json as it is in the checkout: it is the reference of all keys.
std::string_view schema_text(DocumentKind kind);

}  // namespace bottle
