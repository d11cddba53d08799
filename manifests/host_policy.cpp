#include "manifests/host_policy.h"

#include "manifests/check_document.h"
#include "manifests/yaml_document.h"

#include <fmt/format.h>

namespace bottle {
namespace {

using nlohmann::json;

std::vector<AcceptedSmolvm> accepted(const YamlDocument& document, const SourceText& source, std::vector<Problem>& problems) {
    const json::json_pointer at("/smolvm/accept");
    std::vector<AcceptedSmolvm> all;
    std::map<std::string, Place> places;
    for (std::size_t i = 0; document.json.contains(at) && i < document.json.at(at).size(); ++i) {
        const auto& entry = document.json.at(at / i);
        const auto place = document.place_of(fmt::format("/smolvm/accept/{}/version", i));
        all.push_back({place, entry.at("version").get<std::string>(), entry.at("digests").get<std::map<std::string, std::string>>()});
        const auto& version = all.back().version;
        if (const auto [first, fresh] = places.emplace(version, place); !fresh) {
            problems.push_back(source.problem(place, fmt::format("smolvm {} is also at {}", version, to_string(first->second)), "one entry a version"));
        }
    }
    return all;
}

/// What `pointer` says, and where; the default stays where nothing is said.
void take_text(const YamlDocument& document, const char* pointer, std::string& text, Place& place) {
    const json::json_pointer at(pointer);
    if (document.json.contains(at)) text = document.json.at(at).get<std::string>();
    place = document.place_of(pointer);
}

HostPolicy decode(const YamlDocument& document, const SourceText& source, std::vector<Problem>& problems) {
    const auto is_true = [&](const char* pointer) { return document.json.value(json::json_pointer(pointer), false); };
    HostPolicy policy;
    policy.file = source.file();
    policy.network.tsi_loopback = is_true("/network/tsiLoopback");
    policy.smolvm.accept = accepted(document, source, problems);
    take_text(document, "/docker/host", policy.docker.host, policy.docker.place);
    take_text(document, "/smolvm/path", policy.smolvm.path, policy.smolvm.path_place);
    take_text(document, "/pools/internal", policy.pools.internal, policy.pools.internal_place);
    take_text(document, "/pools/external", policy.pools.external, policy.pools.external_place);
    policy.allow = decode_allow(document, source, problems);
    policy.secrets = decode_secrets(document, source, problems);
    return policy;
}

}  // namespace

HostPolicy parse_host_policy(const SourceText& source) {
    std::vector<Problem> problems;
    HostPolicy policy;
    const auto documents = read_yaml(source, problems);
    if (documents.size() > 1) problems.push_back(source.problem(documents[1].place_of(""), "there is a second document in it", "a host has one policy"));
    if (documents.empty() && problems.empty()) problems.push_back({Place{source.file(), 1, 1}, "there is no document in it", "remove it, or begin with apiVersion: bottle/v1", ""});
    if (problems.empty() && fits_schema(documents.front(), source, DocumentKind::HostPolicy, problems)) policy = decode(documents.front(), source, problems);
    if (!problems.empty()) throw Error(Exit::Usage, std::move(problems));
    return policy;
}

}  // namespace bottle
