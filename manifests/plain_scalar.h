#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace bottle {

/// What a plain (unquoted) YAML scalar means to us, or why it is refused.
struct PlainScalar {
    nlohmann::json value;
    std::string problem;  ///< not empty: refused
    std::string hint;
};

/// null, ~ and nothing; true and false; decimal numbers; everything else is text, but for what YAML 1.1 or another reader takes for a truth
/// value, a number or infinity: such a text has to be quoted, or written plainly.
PlainScalar read_plain_scalar(const std::string& text);

}  // namespace bottle
