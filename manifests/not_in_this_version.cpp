#include "manifests/not_in_this_version.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

constexpr const char* kKeys[] = {"/spec/extends", "/spec/machine/image/docker", "/spec/machine/image/archive", "/spec/machine/image/pack", "/spec/agent/prompt",
                                 "/spec/agent/skills", "/spec/bundle/egress", "/spec/bundle/gitGate"};

struct Value {
    const char* pointer;
    const char* value;
    const char* hint = "";
};
constexpr Value kValues[] = {{"/kind", "BottleTemplate"}, {"/spec/machine/backend", "docker"}, {"/spec/machine/backend", "apple-container"},
                             {"/spec/agent/provider", "claude"}, {"/spec/agent/provider", "codex"},
                             {"/spec/network/mode", "tsi-loopback", "smolvm 1.1.3 and later refuse an allowlist on TSI, which did not enforce it, and bottle runs none that is older: mode: bridge"}};

bool has(const json& document, const std::string& pointer) {
    return document.contains(json::json_pointer(pointer));
}

void secrets(const json& document, const std::string& pointer, std::vector<NotYet>& found) {
    if (!has(document, pointer)) return;
    for (const auto& [name, value] : document.at(json::json_pointer(pointer)).items()) {
        if (value.is_object()) found.push_back({pointer + "/" + name, false, "secrets are not in this version: only literal values"});
    }
}

}  // namespace

std::vector<NotYet> not_in_this_version(const json& document) {
    std::vector<NotYet> found;
    for (const auto* pointer : kKeys) {
        const std::string text = pointer;
        if (has(document, text)) found.push_back({text, true, fmt::format("{} is not in this version", text.substr(text.rfind('/') + 1))});
    }
    for (const auto& [pointer, value, hint] : kValues) {
        if (has(document, pointer) && document.at(json::json_pointer(pointer)) == value) found.push_back({pointer, false, fmt::format("{} is not in this version", value), hint});
    }
    if (has(document, "/spec/bundle/supervise") && document.at(json::json_pointer("/spec/bundle/supervise")) == true) found.push_back({"/spec/bundle/supervise", true, "supervise is not in this version"});
    const bool bundle = has(document, "/spec/bundle/containers") && !document.at(json::json_pointer("/spec/bundle/containers")).empty();
    if (!bundle) {
        found.push_back({"/spec/bundle", true, "the reference bundle is not in this version: name the bundle's containers"});
        return found;
    }
    secrets(document, "/spec/agent/env", found);
    for (std::size_t i = 0; i < document["spec"]["bundle"]["containers"].size(); ++i) secrets(document, fmt::format("/spec/bundle/containers/{}/env", i), found);
    return found;
}

}  // namespace bottle
