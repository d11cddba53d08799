#include "manifests/merge.h"

#include "schema/pointer.h"

namespace bottle {
namespace {

using nlohmann::json;

constexpr const char* kChoice = "/spec/machine/image";

bool holds_free_texts(const std::string& pointer) {
    return pointer == "/spec/agent/env" || pointer == "/metadata/labels";
}

bool is_empty_text(const json& value) {
    return value.is_string() && value.get_ref<const std::string&>().empty();
}

/// Removes the places of a value and of everything in it.
void forget(std::map<std::string, Place>& places, const std::string& pointer) {
    places.erase(pointer);
    const auto inside = pointer + "/";
    auto at = places.lower_bound(inside);
    while (at != places.end() && at->first.rfind(inside, 0) == 0) at = places.erase(at);
}

void adopt(std::map<std::string, Place>& places, const std::map<std::string, Place>& from, const std::string& pointer) {
    forget(places, pointer);
    if (const auto own = from.find(pointer); own != from.end()) places[pointer] = own->second;
    const auto inside = pointer + "/";
    for (auto at = from.lower_bound(inside); at != from.end() && at->first.rfind(inside, 0) == 0; ++at) places[at->first] = at->second;
}

class Merge {
public:
    Merge(YamlDocument& below, const YamlDocument& above) : below_(below), above_(above) {}

    void lay(json& below, const json& above, const std::string& pointer) {
        own_place(below_.keys, above_.keys, pointer);
        own_place(below_.values, above_.values, pointer);
        for (const auto& [key, value] : above.items()) {
            const auto here = pointer + "/" + escaped_key(key);
            if (value.is_object() && !value.empty() && here != kChoice) {
                if (!below.contains(key) || !below[key].is_object()) take(below, key, json::object(), here);
                lay(below[key], value, here);
            } else if (is_empty_text(value) && !holds_free_texts(pointer)) {
                below.erase(key);
                forget(below_.keys, here);
                forget(below_.values, here);
            } else {
                take(below, key, value, here);
            }
        }
    }

private:
    static void own_place(std::map<std::string, Place>& places, const std::map<std::string, Place>& from, const std::string& pointer) {
        if (const auto own = from.find(pointer); own != from.end()) places[pointer] = own->second;
    }

    void take(json& below, const std::string& key, const json& value, const std::string& here) {
        below[key] = value;
        adopt(below_.keys, above_.keys, here);
        adopt(below_.values, above_.values, here);
    }

    YamlDocument& below_;
    const YamlDocument& above_;
};

/// What it led to is merged.
void drop_extends(YamlDocument& document) {
    if (!document.json.contains("spec") || !document.json["spec"].is_object()) return;
    document.json["spec"].erase("extends");
    forget(document.keys, "/spec/extends");
    forget(document.values, "/spec/extends");
}

}  // namespace

YamlDocument merge(YamlDocument below, const YamlDocument& above) {
    if (!below.json.is_object()) below.json = json::object();
    Merge(below, above).lay(below.json, above.json, "");
    drop_extends(below);
    return below;
}

}  // namespace bottle
