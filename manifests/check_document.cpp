#include "manifests/check_document.h"

#include "manifests/quantity.h"
#include "schema/validate.h"

#include <algorithm>
#include <array>

namespace bottle {
namespace {

constexpr std::array<const char*, 3> kQuantities = {"/memory", "/storage", "/overlay"};

/// A quantity that is none is answered with the right spelling, as in a manifest.
void as_quantity(const nlohmann::json& document, Violation& violation) {
    const nlohmann::json::json_pointer at(violation.pointer);
    const bool is_one = std::any_of(kQuantities.begin(), kQuantities.end(), [&](const char* end) { return violation.pointer.ends_with(end); });
    if (violation.at_key || !is_one || !document.contains(at)) return;
    const auto& value = document.at(at);
    if (!value.is_string() && !value.is_number()) return;
    auto quantity = value.is_string() ? read_quantity(value.get<std::string>()) : quantity_of_number(value.dump());
    if (quantity.problem.empty()) return;
    violation.text = std::move(quantity.problem);
    violation.hint = std::move(quantity.hint);
}

}  // namespace

bool fits_schema(const YamlDocument& document, const SourceText& source, DocumentKind kind, std::vector<Problem>& problems) {
    const auto violations = validate(document.json, kind);
    for (auto violation : violations) {
        as_quantity(document.json, violation);
        problems.push_back(source.problem(document.place_of(violation.pointer, violation.at_key), printable(violation.text), printable(violation.hint)));
    }
    return violations.empty();
}

}  // namespace bottle
