#pragma once

#include <string_view>

namespace bottle {

/// The JSON Schema (draft-7) of manifests, bottle.v1.schema.json as it is in the checkout: it is the reference of all keys.
std::string_view schema_text();

}  // namespace bottle
