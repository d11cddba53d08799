#include "manifests/advice.h"

#include "manifests/other_words.h"
#include "manifests/plain_scalar.h"
#include "manifests/quantity.h"
#include "schema/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <regex>
#include <sstream>

namespace bottle {
namespace {

using nlohmann::json;

bool wants(const std::string& pointer, const char* type) {
    const auto* node = schema_at(pointer);
    if (node == nullptr || !node->contains("type")) return false;
    const auto& types = (*node)["type"];
    return types.is_array() ? std::find(types.begin(), types.end(), type) != types.end() : types == type;
}

bool has_wanted_type(const std::string& pointer, const json& value) {
    const auto* node = schema_at(pointer);
    if (node == nullptr || !node->contains("type")) return true;
    return wants(pointer, value.type_name()) || (value.is_number_integer() && wants(pointer, "integer"));
}

bool has_words(const std::string& pointer) {
    const auto* node = schema_at(pointer);
    return node != nullptr && (node->contains("enum") || node->contains("const"));
}

bool is_quantity(const std::string& pointer) {
    return pointer.ends_with("/memory") || pointer.ends_with("/disk/storage") || pointer.ends_with("/disk/overlay");
}

std::string quoted(const std::string& text) {
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

bool is_word(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/'; });
}

std::string in_flow(const std::string& text) {
    return is_word(text) && read_plain_scalar(text).value == text ? text : quoted(text);
}

/// "[claude, --print]": the words of a command line that holds nothing for a shell.
std::string as_list(const std::string& text) {
    if (text.find_first_of("\"'\\$|&;<>()*`\n") != std::string::npos) return fmt::format("write a list, one argument an entry; for a shell: [sh, -c, {}]", quoted(text));
    std::istringstream words(text);
    std::vector<std::string> entries;
    for (std::string word; words >> word;) entries.push_back(in_flow(word));
    return fmt::format("write a list: [{}]", fmt::join(entries, ", "));
}

/// "8080:80", 80 or "80/tcp" as Docker has ports.
std::string as_port(const json& value) {
    auto text = value.is_string() ? value.get<std::string>() : value.dump();
    text = text.substr(text.rfind(':') + 1);
    text = text.substr(0, text.find('/'));
    const bool number = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
    return fmt::format("write {{name: proxy, port: {}}}: bottle publishes no port, the guest comes to this one", number ? text : "9099");
}

std::string as_volume(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos || text.front() == '/' || text.front() == '.') return "write {name: cache, path: /var/cache}: no folder of the host is mounted";
    return fmt::format("write {{name: {}, path: {}}}", in_flow(text.substr(0, colon)), in_flow(text.substr(colon + 1, text.find(':', colon + 1) - colon - 1)));
}

/// Compose's other form of environment variables.
std::string as_variable(const json& list) {
    if (list.empty() || !list[0].is_string()) return "";
    const auto text = list[0].get<std::string>();
    const auto equals = text.find('=');
    return equals == std::string::npos ? "" : fmt::format("write a mapping: {{{}: {}}}", text.substr(0, equals), in_flow(text.substr(equals + 1)));
}

/// By what it looks like: a file's name, a path, or a name:tag.
std::string as_image(const std::string& text) {
    const auto ends = [&text](std::initializer_list<const char*> endings) {
        return std::any_of(endings.begin(), endings.end(), [&text](const char* ending) { return text.ends_with(ending); });
    };
    const bool is_path = text.starts_with('.') || text.starts_with('/') || text.find(':') == std::string::npos;
    const auto* kind = ends({".tar", ".tgz", ".tar.gz", ".tar.zst"}) ? "archive" : ends({".smolmachine"}) ? "pack" : is_path ? "rootfs" : "docker";
    return fmt::format("write image: {{{}: {}}}", kind, in_flow(text));
}

/// A mapping is wanted and one text stands there.
std::string as_mapping(const std::string& pointer, const std::string& text) {
    const auto key = pointer.substr(pointer.rfind('/') + 1);
    if (const auto colon = text.find(':'); colon != std::string::npos && is_word(text.substr(0, colon)) && schema_at(pointer + "/" + text.substr(0, colon)) != nullptr) {
        return fmt::format("a space is missing after the colon: {}: {}", text.substr(0, colon), text.substr(colon + 1));
    }
    if (pointer.find("/ports/") != std::string::npos) return as_port(text);
    if (pointer.find("/volumes/") != std::string::npos) return as_volume(text);
    if (key == "image") return as_image(text);
    if (key == "metadata") return fmt::format("write metadata: {{name: {}}}", in_flow(text));
    if (key == "network") return fmt::format("write network: {{mode: {}}}", in_flow(text));
    if (key == "agent") return "write agent: {command: " + as_list(text).substr(as_list(text).find('[')) + "}";
    if (key == "disk") return fmt::format("write disk: {{storage: {}}}", in_flow(text));
    if (key == "limits") return fmt::format("write limits: {{memory: {}}}", in_flow(text));
    return "";
}

std::string hint_for_text(const std::string& pointer, const std::string& text) {
    if (wants(pointer, "array")) return pointer.ends_with("/ports") ? "write a list: [{name: proxy, port: 9099}]" : as_list(text);
    if (wants(pointer, "object")) return as_mapping(pointer, text);
    const bool looks_right = wants(pointer, "boolean") ? text == "true" || text == "false" : text.find_first_not_of("0123456789") == std::string::npos;
    return looks_right && !text.empty() ? "without quotes: " + text : "";
}

std::string hint_for_list(const std::string& pointer, const json& list) {
    if (pointer.ends_with("/env") || pointer.ends_with("/labels")) return as_variable(list);
    if (pointer.ends_with("/bundle")) return "write bundle: {containers: [...]}";
    return "";
}

std::string hint_for_map(const std::string& pointer, const json& map) {
    if (!pointer.ends_with("/containers") || map.empty()) return "";
    return fmt::format("write a list, with the name in each entry: - name: {}", map.begin().key());
}

/// A number or truth value where a text belongs: in quotes, if that is a text which may stand there.
std::string hint_for_bare(const std::string& pointer, const std::string& text) {
    const auto* node = schema_at(pointer);
    const bool fits = !node->contains("pattern") || std::regex_search(text, std::regex((*node)["pattern"].get<std::string>()));
    return fits ? fmt::format("in quotes it is a text: \"{}\"", text) : (*node)["description"].get<std::string>();
}

/// A value of another type than the schema has there.
std::string hint_for_type(const std::string& pointer, const json& value) {
    if (pointer.ends_with("/firewall") && value == false) return "write firewall: \"off\", in quotes";
    if (value.is_null()) return wants(pointer, "string") && !has_words(pointer) ? "give it a value; the empty text is \"\"" : "";
    if (value.is_string()) return hint_for_text(pointer, value.get<std::string>());
    if (value.is_array()) return hint_for_list(pointer, value);
    if (value.is_object()) return hint_for_map(pointer, value);
    if (pointer.find("/ports/") != std::string::npos && wants(pointer, "object")) return as_port(value);
    return wants(pointer, "string") && !has_words(pointer) ? hint_for_bare(pointer, value.dump()) : "";
}

/// A name as the schema wants names: small letters, digits and -.
std::string right_name(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::isalnum(c) != 0 ? static_cast<char>(std::tolower(c)) : '-'; });
    name.erase(0, name.find_first_of("abcdefghijklmnopqrstuvwxyz"));
    name = name.substr(0, 32);
    return name.substr(0, name.find_last_not_of('-') + 1);
}

/// A text that does not have the form that the schema wants.
std::string hint_for_form(const std::string& pointer, std::string text) {
    if (pointer.ends_with("/name")) {
        const auto name = right_name(text);
        return name.empty() ? "" : fmt::format("write {}: small letters, digits and -", name);
    }
    if (pointer.find("/capabilities/") == std::string::npos) return "";
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    return is_word(text) ? "write " + text : "";
}

}  // namespace

Violation advised(const json& document, Violation violation) {
    const json::json_pointer at(violation.pointer);
    if (!document.contains(at)) return violation;
    const auto& value = document.at(at);
    const auto& pointer = violation.pointer;
    std::string hint;
    if (pointer.empty() && value.is_null()) {
        hint = "write the document, or take the --- out";
    } else if (violation.at_key) {
        hint = hint_for_other_word(pointer);
    } else if (is_quantity(pointer) && !value.is_null() && !(value.is_string() && value.get_ref<const std::string&>().empty())) {
        const auto quantity = value.is_string() ? read_quantity(value.get<std::string>()) : quantity_of_number(value.dump());
        if (!quantity.problem.empty()) violation.text = quantity.problem;
        const bool disk_without_unit = pointer.find("/disk/") != std::string::npos && value.is_number_integer() && value > 0 && value < 1024;
        hint = disk_without_unit ? fmt::format("write {}Gi", value.dump()) : quantity.hint;
    } else if (!has_wanted_type(pointer, value)) {
        hint = hint_for_type(pointer, value);
    } else if (value.is_string() && !has_words(pointer)) {
        hint = hint_for_form(pointer, value.get<std::string>());
    }
    if (!hint.empty()) violation.hint = std::move(hint);
    return violation;
}

std::string plain_scalar_hint(const std::string& pointer, const std::string& text, const std::string& otherwise) {
    if (pointer.empty() || schema_at(pointer) == nullptr) return otherwise;
    if (wants(pointer, "string")) return fmt::format("in quotes it is a text: {}", quoted(text));
    if (wants(pointer, "boolean")) return "write true or false";
    if (wants(pointer, "integer") || wants(pointer, "number")) return "write it in plain decimal digits";
    return otherwise;
}

}  // namespace bottle
