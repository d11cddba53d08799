#pragma once

#include "schema/schema.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace bottle {

/// One rule of the schema that a document breaks.
struct Violation {
    std::string pointer;  ///< JSON pointer of the value; for an unknown key, of the key's would-be value
    bool at_key = false;  ///< the key itself is wrong, not its value
    std::string text;     ///< what is wrong, with the offending value
    std::string hint;     ///< what is allowed, and the nearest word

    bool operator==(const Violation&) const = default;
};

/// Every violation, in document order of their pointers; empty only if the document is valid.
std::vector<Violation> validate(const nlohmann::json& document, DocumentKind kind);

}  // namespace bottle
