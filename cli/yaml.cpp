#include "cli/json_parts.h"

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>

namespace bottle {
namespace {

using nlohmann::json;

/// A text that no reader of YAML, 1.1 or 1.2, takes for anything else: letters with what stands within words, and no word for a truth value or nothing.
bool is_plain(const std::string& text) {
    static const char* const kTaken[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (std::find(std::begin(kTaken), std::end(kTaken), lower) != std::end(kTaken)) return false;
    const auto is_letter = [](unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto is_within = [&](unsigned char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/'; };
    return !text.empty() && is_letter(static_cast<unsigned char>(text.front())) && std::all_of(text.begin(), text.end(), is_within);
}

void emit_text(YAML::Emitter& out, const std::string& text) {
    if (!is_plain(text)) out << YAML::DoubleQuoted;
    out << text;
}

void emit(YAML::Emitter& out, const json& value) {
    if (value.is_object() && !value.empty()) {
        out << YAML::BeginMap;
        for (const auto& [key, member] : value.items()) {
            out << YAML::Key;
            emit_text(out, key);
            out << YAML::Value;
            emit(out, member);
        }
        out << YAML::EndMap;
    } else if (value.is_array() && !value.empty()) {
        out << YAML::BeginSeq;
        for (const auto& item : value) emit(out, item);
        out << YAML::EndSeq;
    } else if (value.is_object() || value.is_array()) {
        out << YAML::Flow << (value.is_object() ? YAML::BeginMap : YAML::BeginSeq) << (value.is_object() ? YAML::EndMap : YAML::EndSeq);
    } else if (value.is_string()) {
        emit_text(out, value.get<std::string>());
    } else if (value.is_null()) {
        out << YAML::Null;
    } else if (value.is_boolean()) {
        out << value.get<bool>();
    } else {
        out << value.get<std::int64_t>();
    }
}

}  // namespace

std::string to_yaml(const json& document) {
    YAML::Emitter out;
    emit(out, document);
    return std::string(out.c_str()) + "\n";
}

}  // namespace bottle
