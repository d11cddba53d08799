#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bottle {

/// A bottle's document (Loaded::documents) as a manifest that stands for itself: defaults filled in, keys in the schema's order, a secret as its name.
/// What it prints is read by `load` again, in the same folder, and comes to the same bottle and the same text.
std::string config_yaml(const nlohmann::json& document);
std::string config_json(const nlohmann::json& document);

}  // namespace bottle
