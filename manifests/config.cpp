#include "manifests/config.h"

#include "manifests/error.h"
#include "manifests/plain_scalar.h"
#include "schema/defaults.h"

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>

namespace bottle {
namespace {

using nlohmann::json;
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
    if (!value.is_array()) {
        out << value.dump();
        return;
    }
    if (holds_only_scalars(value)) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const auto& entry : value) emit(out, entry);
    out << YAML::EndSeq;
}

/// Of JSON text: DEL, C1 and the marks that turn text round (all in 16 bits) as \uNNNN. What is below a space JSON itself escapes.
std::string with_unseen_escaped(const std::string& text) {
    std::string seen;
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        const auto character = text.substr(at, length);
        at += length;
        if (character == "\n" || printable(character) == character) {
            seen += character;
            continue;
        }
        const auto ascii = json(character).dump(-1, ' ', true);
        seen += ascii.substr(1, ascii.size() - 2);
    }
    return seen;
}

}  // namespace

std::string config_yaml(const json& document) {
    YAML::Emitter out;
    emit(out, with_defaults(document));
    return std::string(out.c_str(), out.size()) + "\n";
}

std::string config_json(const json& document) {
    // Not all in ASCII: what is beyond 16 bits would be two escapes in JSON, of which yaml-cpp (0.7) makes no character.
    return with_unseen_escaped(with_defaults(document).dump(2)) + "\n";
}

}  // namespace bottle
