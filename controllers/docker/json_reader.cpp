#include "controllers/docker/json_reader.h"

#include "manifests/error.h"
#include "reconciler/strict_json.h"

#include <fmt/format.h>

namespace bottle {

JsonReader::JsonReader(const nlohmann::json& object, std::string what) : object_(object), what_(std::move(what)) {
    if (object_.is_null()) object_ = nlohmann::json::object();
    if (!object_.is_object()) throw Error(Exit::Failed, fmt::format("Docker's answer is none of its API's: {} is no object", what_));
}

const nlohmann::json* JsonReader::find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonReader::wrong(const char* key) const {
    throw Error(Exit::Failed, fmt::format("Docker's answer is none of its API's: {}.{} has another type", what_, key));
}

std::string JsonReader::text(const char* key) const {
    const auto* value = find(key);
    if (value != nullptr && !value->is_string()) wrong(key);
    return value == nullptr ? std::string() : value->get<std::string>();
}

bool JsonReader::flag(const char* key) const {
    const auto* value = find(key);
    if (value != nullptr && !value->is_boolean()) wrong(key);
    return value != nullptr && value->get<bool>();
}

std::int64_t JsonReader::number(const char* key) const {
    const auto* value = find(key);
    if (value != nullptr && !value->is_number_integer()) wrong(key);
    return value == nullptr ? 0 : value->get<std::int64_t>();
}

std::vector<std::string> JsonReader::texts(const char* key) const {
    std::vector<std::string> all;
    const auto* value = find(key);
    if (value == nullptr) return all;
    if (!value->is_array()) wrong(key);
    for (const auto& entry : *value) {
        if (!entry.is_string()) wrong(key);
        all.push_back(entry.get<std::string>());
    }
    return all;
}

std::map<std::string, std::string> JsonReader::text_map(const char* key) const {
    std::map<std::string, std::string> all;
    const auto* value = find(key);
    if (value == nullptr) return all;
    if (!value->is_object()) wrong(key);
    for (const auto& [name, entry] : value->items()) {
        if (!entry.is_string()) wrong(key);
        all[name] = entry.get<std::string>();
    }
    return all;
}

JsonReader JsonReader::object(const char* key) const {
    const auto* value = find(key);
    return {value == nullptr ? nlohmann::json::object() : *value, what_ + "." + key};
}

std::vector<JsonReader> JsonReader::objects(const char* key) const {
    std::vector<JsonReader> all;
    const auto* value = find(key);
    if (value == nullptr) return all;
    if (!value->is_array()) wrong(key);
    for (const auto& entry : *value) all.emplace_back(entry, what_ + "." + key);
    return all;
}

std::map<std::string, JsonReader> JsonReader::object_map(const char* key) const {
    std::map<std::string, JsonReader> all;
    const auto* value = find(key);
    if (value == nullptr) return all;
    if (!value->is_object()) wrong(key);
    for (const auto& [name, entry] : value->items()) all.emplace(name, JsonReader(entry, what_ + "." + key));
    return all;
}

std::vector<std::string> JsonReader::keys(const char* key) const {
    std::vector<std::string> all;
    const auto* value = find(key);
    if (value == nullptr) return all;
    if (!value->is_object()) wrong(key);
    for (const auto& [name, entry] : value->items()) all.push_back(name);
    return all;
}

nlohmann::json parse_answer(const std::string& text, const char* what) {
    constexpr std::size_t kMaxBytes = 16 << 20;
    auto parsed = parse_strict_json(text, kMaxBytes, 64);
    if (!parsed.problem.empty()) throw Error(Exit::Failed, fmt::format("Docker's answer ({}) cannot be read: {}", what, parsed.problem));
    return std::move(parsed.value);
}

}  // namespace bottle
