#include "schema/validate.h"

#include "schema/explain.h"
#include "schema/schema.h"

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace bottle {
namespace {

using nlohmann::json;

std::unique_ptr<const valijson::Schema> compiled(DocumentKind kind) {
    auto schema = std::make_unique<valijson::Schema>();
    const json text = json::parse(schema_text(kind));
    valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(text), *schema);
    return schema;
}

const valijson::Schema& schema_of(DocumentKind kind) {
    static const auto manifest = compiled(DocumentKind::Manifest);
    static const auto host_policy = compiled(DocumentKind::HostPolicy);
    return kind == DocumentKind::HostPolicy ? *host_policy : *manifest;
}

}  // namespace

std::vector<Violation> validate(const json& document, DocumentKind kind) {
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema_of(kind), valijson::adapters::NlohmannJsonAdapter(document), &results)) return {};
    auto violations = explain(document, kind);
    if (violations.empty()) {
        valijson::ValidationResults::Error error;
        const bool told = results.popError(error);
        violations.push_back({"", false, told ? error.description : "it does not fit the schema", ""});
    }
    return violations;
}

}  // namespace bottle
