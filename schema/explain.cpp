#include "schema/explain.h"

#include "schema/pointer.h"
#include "schema/schema.h"
#include "schema/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <regex>

namespace bottle {
namespace {

using nlohmann::json;
using Node = nlohmann::ordered_json;

template <typename Json>
std::string shown(const Json& value) {
    constexpr std::size_t kShown = 60;
    auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return text.size() > kShown ? text.substr(0, kShown) + "…" : text;
}

std::vector<std::string> keys_of(const Node& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
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

std::vector<std::string> types_of(const Node& node) {
    if (!node.contains("type")) return {};
    return node["type"].is_array() ? node["type"].get<std::vector<std::string>>() : std::vector<std::string>{node["type"].get<std::string>()};
}

std::vector<std::string> allowed_words(const Node& node) {
    if (node.contains("const")) return {node["const"].get<std::string>()};
    return node.value("enum", std::vector<std::string>{});
}

/// Words the rules of one schema node that one value breaks.
class Explainer {
public:
    Explainer(std::vector<Violation>& violations, DocumentKind kind) : violations_(violations), kind_(kind) {}

    void explain(const Node& node, const json& value, const std::string& pointer) {
        if (!node.is_object() || !explain_type(node, value, pointer)) return;
        explain_choice(node, value, pointer);
        explain_text(node, value, pointer);
        explain_range(node, value, pointer);
        if (value.is_object()) explain_object(node, value, pointer);
        if (value.is_array()) explain_array(node, value, pointer);
        if (node.contains("not") && holds(node["not"], value)) add(pointer, "it is not allowed here", "");
        for (const auto& rule : node.value("allOf", Node::array())) {
            if (holds(rule["if"], value)) explain(rule["then"], value, pointer);
        }
    }

private:
    bool holds(const Node& node, const json& value) const {
        std::vector<Violation> broken;
        Explainer(broken, kind_).explain(node, value, "");
        return broken.empty();
    }

    void add(const std::string& pointer, std::string text, std::string hint, bool at_key = false) {
        violations_.push_back({pointer, at_key, std::move(text), std::move(hint)});
    }

    bool explain_type(const Node& node, const json& value, const std::string& pointer) {
        const auto types = types_of(node);
        std::string wanted;
        for (const auto& type : types) {
            if (has_type(value, type)) return true;
            wanted += (wanted.empty() ? "" : " or ") + std::string(in_words(type));
        }
        if (types.empty()) return true;
        const auto words = allowed_words(node);
        const auto hint = !words.empty() ? fmt::format("allowed: {}", fmt::join(words, ", ")) : node.contains("examples") ? "for example: " + shown(node["examples"][0]) : std::string();
        add(pointer, value.is_null() ? fmt::format("a value is missing: it takes {}", wanted) : fmt::format("{} is not {}", shown(value), wanted), hint);
        return false;
    }

    void explain_choice(const Node& node, const json& value, const std::string& pointer) {
        const auto allowed = allowed_words(node);
        const auto word = value.is_string() ? value.get<std::string>() : std::string();
        if (allowed.empty() || (value.is_string() && std::find(allowed.begin(), allowed.end(), word) != allowed.end())) return;
        add(pointer, fmt::format("{} is not allowed here", shown(value)), with_nearest(fmt::format("allowed: {}", fmt::join(allowed, ", ")), nearest_word(word, allowed)));
    }

    void explain_text(const Node& node, const json& value, const std::string& pointer) {
        if (!value.is_string()) return;
        const auto text = value.get<std::string>();
        if (text.size() < node.value("minLength", std::size_t{0})) {
            add(pointer, "the text is empty", "leave the key out, or give it a value");
        } else if (node.contains("maxLength") && text.size() > node["maxLength"].get<std::size_t>()) {
            add(pointer, fmt::format("{} is longer than {} characters", shown(value), node["maxLength"].get<int>()), "");
        } else if (node.contains("pattern") && !std::regex_search(text, std::regex(node["pattern"].get<std::string>()))) {
            add(pointer, fmt::format("{} is not allowed here", shown(value)), fmt::format("allowed: {} ({})", node["pattern"].get<std::string>(), node.value("description", "")));
        }
    }

    void explain_range(const Node& node, const json& value, const std::string& pointer) {
        if (!value.is_number()) return;
        const bool low = node.contains("minimum") && value.get<double>() < node["minimum"].get<double>();
        const bool high = node.contains("maximum") && value.get<double>() > node["maximum"].get<double>();
        if (low || high) add(pointer, fmt::format("{} is out of range", shown(value)), fmt::format("allowed: {} to {}", node["minimum"].dump(), node["maximum"].dump()));
    }

    void explain_object(const Node& node, const json& value, const std::string& pointer) {
        const auto properties = node.value("properties", Node::object());
        for (const auto& required : node.value("required", Node::array())) {
            if (!value.contains(required.get<std::string>())) explain_missing(properties, required.get<std::string>(), pointer);
        }
        if (node.contains("maxProperties") && value.size() > node["maxProperties"].get<std::size_t>()) {
            add(pointer, fmt::format("it has {} keys, and takes exactly one", value.size()), fmt::format("one of: {}", fmt::join(keys_of(properties), ", ")));
        }
        if (node.contains("minProperties") && value.size() < node["minProperties"].get<std::size_t>()) add(pointer, "it is empty", fmt::format("one of: {}", fmt::join(keys_of(properties), ", ")));
        for (const auto& [key, member] : value.items()) explain_member(node, properties, key, member, pointer + "/" + escaped_key(key));
    }

    void explain_missing(const Node& properties, const std::string& key, const std::string& pointer) {
        const auto* node = kind_ == DocumentKind::Manifest ? schema_at(pointer + "/" + key) : nullptr;
        const bool example = node != nullptr && node->contains("examples");
        add(pointer, fmt::format("the key {} is missing", key),
            example ? fmt::format("for example: {}: {}", key, shown((*node)["examples"][0])) : fmt::format("keys here: {}", fmt::join(keys_of(properties), ", ")));
    }

    void explain_member(const Node& node, const Node& properties, const std::string& key, const json& member, const std::string& pointer) {
        if (node.contains("propertyNames") && !std::regex_search(key, std::regex(node["propertyNames"]["pattern"].get<std::string>()))) {
            add(pointer, fmt::format("{} is no name that is allowed here", shown(json(key))), fmt::format("allowed: {}", node["propertyNames"]["pattern"].get<std::string>()), true);
            return;
        }
        if (properties.contains(key)) return explain(properties[key], member, pointer);
        const auto others = node.value("additionalProperties", Node(true));
        if (others.is_object()) return explain(others, member, pointer);
        if (others == true) return;
        const auto allowed = keys_of(properties);
        add(pointer, fmt::format("unknown key {}", shown(json(key))), with_nearest(fmt::format("keys here: {}", fmt::join(allowed, ", ")), nearest_word(key, allowed)), true);
    }

    void explain_array(const Node& node, const json& value, const std::string& pointer) {
        if (node.contains("maxItems") && value.size() > node["maxItems"].get<std::size_t>()) add(pointer, fmt::format("it has {} entries", value.size()), fmt::format("at most {}", node["maxItems"].get<int>()));
        for (std::size_t i = 0; node.contains("items") && i < value.size(); ++i) explain(node["items"], value[i], fmt::format("{}/{}", pointer, i));
    }

    std::vector<Violation>& violations_;
    DocumentKind kind_;
};

}  // namespace

std::vector<Violation> explain(const json& document, DocumentKind kind) {
    std::vector<Violation> violations;
    Explainer(violations, kind).explain(schema_json(kind), document, "");
    return violations;
}

}  // namespace bottle
