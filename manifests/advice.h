#pragma once

#include "schema/validate.h"

#include <string>

namespace bottle {

/// The violation with the way out that people who write this usually need: the right spelling of a quantity, quotes where a text looks like a
/// number, the list that a command line is, the key of ours that another tool calls so. Unchanged where nothing better is known.
Violation advised(const nlohmann::json& document, Violation violation);

/// How to write a plain scalar that readers take for different things (`no`, `off`, `0777`), as the schema's type at `pointer` wants it:
/// in quotes for a text, true or false, or plain digits. The given hint where the schema does not know the place.
std::string plain_scalar_hint(const std::string& pointer, const std::string& text, const std::string& otherwise);

}  // namespace bottle
