#include "manifests/not_in_this_version.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

constexpr const char* kInContainer = "leave it out; what passes is up to the bundle's containers";

struct Key {
    const char* pointer;
    const char* hint;
};
constexpr Key kKeys[] = {{"/spec/bundle/egress", kInContainer}, {"/spec/bundle/gitGate", kInContainer}};

struct Value {
    const char* pointer;
    const char* value;
    const char* hint;
};
constexpr Value kValues[] = {{"/spec/machine/backend", "docker", "write backend: smolvm"}, {"/spec/machine/backend", "apple-container", "write backend: smolvm"}};

bool has(const json& document, const std::string& pointer) {
    return document.contains(json::json_pointer(pointer));
}

/// Docker (20.10, measured) shows a container's variables in its inspect and writes them to its disk, puts nothing into a container with a read-only root, and what it puts into any
/// other one goes to its disk, beneath every tmpfs.
void secrets(const json& document, const std::string& pointer, std::vector<NotYet>& found) {
    if (!has(document, pointer)) return;
    for (const auto& [name, value] : document.at(json::json_pointer(pointer)).items()) {
        if (value.is_object()) found.push_back({pointer + "/" + name, false, "a secret for a container is not in this version: Docker keeps a container's variables in plain text", "leave it out; the agent's command can have secrets (docs/host-policy.md says why no container can)"});
    }
}

}  // namespace

std::vector<NotYet> not_in_this_version(const json& document) {
    std::vector<NotYet> found;
    for (const auto& [pointer, hint] : kKeys) {
        const std::string text = pointer;
        if (has(document, text)) found.push_back({text, true, fmt::format("{} is not in this version", text.substr(text.rfind('/') + 1)), hint});
    }
    for (const auto& [pointer, value, hint] : kValues) {
        if (has(document, pointer) && document.at(json::json_pointer(pointer)) == value) found.push_back({pointer, false, fmt::format("{} is not in this version", value), hint});
    }
    if (has(document, "/spec/bundle/supervise") && document.at(json::json_pointer("/spec/bundle/supervise")) == true) found.push_back({"/spec/bundle/supervise", true, "supervise is not in this version", "leave it out"});
    const bool bundle = has(document, "/spec/bundle/containers") && !document.at(json::json_pointer("/spec/bundle/containers")).empty();
    if (!bundle) {
        // A template may leave it to those who extend it.
        if (document["kind"] == "Bottle") found.push_back({"/spec/bundle", true, "the reference bundle is not in this version: name the bundle's containers", "containers: [{name: egress, image: bottle-egress:1, ports: [{name: proxy, port: 9099}]}]"});
        return found;
    }
    for (std::size_t i = 0; i < document["spec"]["bundle"]["containers"].size(); ++i) secrets(document, fmt::format("/spec/bundle/containers/{}/env", i), found);
    return found;
}

}  // namespace bottle
