#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bottle {

/// A document as YAML that every reader, of 1.1 and of 1.2, takes for the same, its keys in the order that they have, a newline at the end. What cannot be
/// seen, or turns text round, stands as an escape; a byte that is no UTF-8 as U+FFFD.
std::string yaml_text(const nlohmann::ordered_json& document);

}  // namespace bottle
