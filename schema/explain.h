#pragma once

#include "schema/validate.h"

namespace bottle {

/// The rules of the schema that a document breaks, in words. What is valid is the validator's to say (`validate`); this only says it to people.
std::vector<Violation> explain(const nlohmann::json& document, DocumentKind kind);

}  // namespace bottle
