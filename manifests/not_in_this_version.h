#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace bottle {

/// A key or value that the schema knows and this version does not do yet: refused, never accepted and ignored.
struct NotYet {
    std::string pointer;
    bool at_key = true;
    std::string text;
    std::string hint{};
};

/// All of them in a document that fits the schema.
std::vector<NotYet> not_in_this_version(const nlohmann::json& document);

}  // namespace bottle
