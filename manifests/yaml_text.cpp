#include "manifests/yaml_text.h"

#include "manifests/error.h"
#include "manifests/plain_scalar.h"

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>

namespace bottle {
namespace {

using nlohmann::ordered_json;

/// A name, a path, or an option (-q, --print); a - alone would be an entry of a list.
bool begins_plainly(const std::string& text) {
    const auto begin = text.find_first_not_of('-');
    if (begin == std::string::npos || begin > 2) return false;
    const char first = text[begin];
    return std::isalnum(static_cast<unsigned char>(first)) != 0 || (begin == 0 && (first == '/' || first == '.' || first == '_'));
}

/// Without quotes only what no reader takes for anything but this text.
bool is_plain(const std::string& text) {
    constexpr std::size_t kLongest = 80;
    const auto is_plain_character = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '/' || c == '-' || c == '@' || c == ':'; };
    if (text.size() > kLongest || !begins_plainly(text) || text.back() == ':' || text == "...") return false;
    if (!std::all_of(text.begin(), text.end(), is_plain_character)) return false;
    // YAML 1.1 makes a time of 2026-11-24.
    constexpr std::size_t kYear = 4;
    if (text.size() > kYear && text[kYear] == '-' && text.find_first_not_of("0123456789") == kYear) return false;
    const auto read = read_plain_scalar(text);
    return read.problem.empty() && read.value == text;
}

bool holds_only_scalars(const ordered_json& list) {
    return std::none_of(list.begin(), list.end(), [](const ordered_json& entry) { return entry.is_structured(); });
}

void emit(YAML::Emitter& out, const ordered_json& value);

void emit_text(YAML::Emitter& out, const std::string& text) {
    if (is_plain(text)) {
        out << text;
        return;
    }
    // What cannot be seen, or turns text round, stands as an escape.
    if (printable(text) != text) out << YAML::EscapeNonAscii;
    out << YAML::DoubleQuoted << text;
}

void emit_map(YAML::Emitter& out, const ordered_json& map) {
    if (map.empty()) out << YAML::Flow;
    out << YAML::BeginMap;
    for (const auto& [key, value] : map.items()) {
        out << YAML::Key;
        emit_text(out, key);
        out << YAML::Value;
        emit(out, value);
    }
    out << YAML::EndMap;
}

void emit(YAML::Emitter& out, const ordered_json& value) {
    if (value.is_object()) return emit_map(out, value);
    if (value.is_string()) return emit_text(out, value.get_ref<const std::string&>());
    if (value.is_null()) {
        out << YAML::Null;
        return;
    }
    if (!value.is_array()) {
        out << value.dump();
        return;
    }
    if (holds_only_scalars(value)) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const auto& entry : value) emit(out, entry);
    out << YAML::EndSeq;
}

}  // namespace

std::string yaml_text(const ordered_json& document) {
    YAML::Emitter out;
    emit(out, document);
    return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace bottle
