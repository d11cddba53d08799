#include "schema/validate.h"

#include "schema/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <regex>

namespace bottle {
namespace {

using nlohmann::json;

/// A schema as it was written, to say what is wrong, and as the library wants it, to know whether anything is.
struct Schema {
    json text;
    valijson::Schema compiled;

    explicit Schema(DocumentKind kind) : text(json::parse(schema_text(kind))) {
        valijson::SchemaParser parser;
        parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(text), compiled);
    }
};

const Schema& schema_of(DocumentKind kind) {
    static const Schema manifest(DocumentKind::Manifest);
    static const Schema host_policy(DocumentKind::HostPolicy);
    return kind == DocumentKind::HostPolicy ? host_policy : manifest;
}

std::string escaped(const std::string& key) {
    std::string text;
    for (const char c : key) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return text;
}

std::string shown(const json& value) {
    constexpr std::size_t kShown = 60;
    auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return text.size() > kShown ? text.substr(0, kShown) + "…" : text;
}

std::vector<std::string> keys_of(const json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    return keys;
}

std::string with_nearest(const std::string& allowed, const std::string& nearest) {
    return nearest.empty() ? allowed : fmt::format("did you mean {}? {}", nearest, allowed);
}

const char* in_words(const std::string& type) {
    if (type == "string") return "a text";
    if (type == "integer") return "a whole number";
    if (type == "number") return "a number";
    if (type == "boolean") return "true or false";
    if (type == "array") return "a list";
    return "a mapping (key: value)";
}

bool has_type(const json& value, const std::string& type) {
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    return value.is_object();
}

std::vector<std::string> types_of(const json& node) {
    if (!node.contains("type")) return {};
    return node["type"].is_array() ? node["type"].get<std::vector<std::string>>() : std::vector<std::string>{node["type"].get<std::string>()};
}

/// Words the rules of one schema node that one value breaks. What is valid is the library's to say; this only says it to people.
class Explainer {
public:
    explicit Explainer(std::vector<Violation>& violations) : violations_(violations) {}

    void explain(const json& node, const json& value, const std::string& pointer) {
        if (!node.is_object() || !explain_type(node, value, pointer)) return;
        explain_choice(node, value, pointer);
        explain_pattern(node, value, pointer);
        explain_range(node, value, pointer);
        if (value.is_object()) explain_object(node, value, pointer);
        if (value.is_array()) explain_array(node, value, pointer);
    }

private:
    void add(const std::string& pointer, std::string text, std::string hint, bool at_key = false) {
        violations_.push_back({pointer, at_key, std::move(text), std::move(hint)});
    }

    bool explain_type(const json& node, const json& value, const std::string& pointer) {
        const auto types = types_of(node);
        std::string wanted;
        for (const auto& type : types) {
            if (has_type(value, type)) return true;
            wanted += (wanted.empty() ? "" : " or ") + std::string(in_words(type));
        }
        if (types.empty()) return true;
        const auto example = node.contains("examples") ? "for example: " + shown(node["examples"][0]) : std::string();
        add(pointer, value.is_null() ? fmt::format("a value is missing: it takes {}", wanted) : fmt::format("{} is not {}", shown(value), wanted), example);
        return false;
    }

    void explain_choice(const json& node, const json& value, const std::string& pointer) {
        std::vector<std::string> allowed;
        if (node.contains("const") && node["const"] != value) allowed = {node["const"].get<std::string>()};
        if (node.contains("enum") && std::find(node["enum"].begin(), node["enum"].end(), value) == node["enum"].end()) allowed = node["enum"].get<std::vector<std::string>>();
        if (allowed.empty()) return;
        add(pointer, fmt::format("{} is not allowed here", shown(value)),
            with_nearest(fmt::format("allowed: {}", fmt::join(allowed, ", ")), value.is_string() ? nearest_word(value.get<std::string>(), allowed) : ""));
    }

    void explain_pattern(const json& node, const json& value, const std::string& pointer) {
        if (!value.is_string()) return;
        const auto text = value.get<std::string>();
        if (node.contains("maxLength") && text.size() > node["maxLength"].get<std::size_t>()) {
            add(pointer, fmt::format("{} is longer than {} characters", shown(value), node["maxLength"].get<int>()), "");
        } else if (node.contains("pattern") && !std::regex_search(text, std::regex(node["pattern"].get<std::string>()))) {
            add(pointer, fmt::format("{} is not allowed here", shown(value)), fmt::format("allowed: {} ({})", node["pattern"].get<std::string>(), node["description"].get<std::string>()));
        }
    }

    void explain_range(const json& node, const json& value, const std::string& pointer) {
        if (!value.is_number()) return;
        const bool low = node.contains("minimum") && value < node["minimum"];
        const bool high = node.contains("maximum") && value > node["maximum"];
        if (low || high) add(pointer, fmt::format("{} is out of range", shown(value)), fmt::format("allowed: {} to {}", node["minimum"].dump(), node["maximum"].dump()));
    }

    void explain_object(const json& node, const json& value, const std::string& pointer) {
        const auto properties = node.value("properties", json::object());
        for (const auto& required : node.value("required", json::array())) {
            if (!value.contains(required.get<std::string>())) add(pointer, fmt::format("the key {} is missing", required.get<std::string>()), fmt::format("keys here: {}", fmt::join(keys_of(properties), ", ")));
        }
        if (node.contains("maxProperties") && value.size() > node["maxProperties"].get<std::size_t>()) {
            add(pointer, fmt::format("it has {} keys, and takes exactly one", value.size()), fmt::format("one of: {}", fmt::join(keys_of(properties), ", ")));
        }
        if (node.contains("minProperties") && value.size() < node["minProperties"].get<std::size_t>()) add(pointer, "it is empty", fmt::format("one of: {}", fmt::join(keys_of(properties), ", ")));
        for (const auto& [key, member] : value.items()) explain_member(node, properties, key, member, pointer + "/" + escaped(key));
    }

    void explain_member(const json& node, const json& properties, const std::string& key, const json& member, const std::string& pointer) {
        if (node.contains("propertyNames") && !std::regex_search(key, std::regex(node["propertyNames"]["pattern"].get<std::string>()))) {
            add(pointer, fmt::format("{} is no name that is allowed here", shown(json(key))), fmt::format("allowed: {}", node["propertyNames"]["pattern"].get<std::string>()), true);
            return;
        }
        if (properties.contains(key)) return explain(properties[key], member, pointer);
        const auto others = node.value("additionalProperties", json(true));
        if (others.is_object()) return explain(others, member, pointer);
        if (others == true) return;
        const auto allowed = keys_of(properties);
        add(pointer, fmt::format("unknown key {}", shown(json(key))), with_nearest(fmt::format("keys here: {}", fmt::join(allowed, ", ")), nearest_word(key, allowed)), true);
    }

    void explain_array(const json& node, const json& value, const std::string& pointer) {
        if (node.contains("maxItems") && value.size() > node["maxItems"].get<std::size_t>()) add(pointer, fmt::format("it has {} entries", value.size()), fmt::format("at most {}", node["maxItems"].get<int>()));
        for (std::size_t i = 0; node.contains("items") && i < value.size(); ++i) explain(node["items"], value[i], fmt::format("{}/{}", pointer, i));
    }

    std::vector<Violation>& violations_;
};

}  // namespace

std::vector<Violation> validate(const json& document, DocumentKind kind) {
    const auto& schema = schema_of(kind);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema.compiled, valijson::adapters::NlohmannJsonAdapter(document), &results)) return {};
    std::vector<Violation> violations;
    Explainer(violations).explain(schema.text, document, "");
    if (violations.empty()) {
        valijson::ValidationResults::Error error;
        const bool told = results.popError(error);
        violations.push_back({"", false, told ? error.description : "it does not fit the schema", ""});
    }
    return violations;
}

}  // namespace bottle
