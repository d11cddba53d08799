#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>

namespace bottle {

struct StrictJson {
    nlohmann::json value;
    std::string problem;  ///< not empty: why the text was not taken
};

/// Parses JSON from outside. Refuses what two readers could read in two ways: duplicate keys at any level, trailing bytes, invalid UTF-8,
/// nesting deeper than `max_depth`, more than `max_bytes`.
StrictJson parse_strict_json(const std::string& text, std::size_t max_bytes, int max_depth);

}  // namespace bottle
