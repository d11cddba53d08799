#pragma once

#include "reconciler/report.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

// What several formats say in the same words (docs/output.md).
namespace bottle {

/// As a document for programs: indented, bytes that are no UTF-8 replaced, a newline at the end.
std::string dump(const nlohmann::json& document);

/// Kubernetes' conditions. `since`: RFC 3339 by type.
nlohmann::json conditions_json(const std::vector<Condition>& conditions, const std::map<std::string, std::string>& since, std::int64_t generation);

nlohmann::json ports_json(const std::vector<BundlePort>& ports);

nlohmann::json evidence_json(const Evidence& evidence);

/// null where there is none.
nlohmann::json text_or_null(const std::string& text);

}  // namespace bottle
