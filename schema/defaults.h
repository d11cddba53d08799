#pragma once

#include <nlohmann/json_fwd.hpp>

namespace bottle {

/// A manifest that fits the schema, its keys in the schema's order, with the schema's defaults where a key is left out.
/// A key without a default (Docker's Entrypoint, say: the image's own stands) stays left out.
nlohmann::ordered_json with_defaults(const nlohmann::json& document);

}  // namespace bottle
