#include "manifests/secret_policy.h"

#include "manifests/yaml_document.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

SecretSource source_of(const json& from) {
    if (from.contains("env")) return SecretVariable{from["env"].get<std::string>()};
    if (from.contains("file")) return SecretFile{from["file"].get<std::string>()};
    return SecretCommand{from["command"].get<std::vector<std::string>>()};
}

bool is_program(const SecretSource& from) {
    const auto* command = std::get_if<SecretCommand>(&from);
    return command == nullptr || (!command->argv.empty() && command->argv.front().rfind('/', 0) == 0);
}

}  // namespace

SecretPolicies decode_secrets(const YamlDocument& document, const SourceText& source, std::vector<Problem>& problems) {
    SecretPolicies all;
    if (!document.json.contains("secrets")) return all;
    for (const auto& [name, said] : document.json["secrets"].items()) {
        const auto at = "/secrets/" + name;
        SecretPolicy secret{document.place_of(at, true), source_of(said["from"]), said["bottles"].get<std::vector<std::string>>(), said.value("hosts", std::vector<std::string>{})};
        if (!is_program(secret.from)) {
            problems.push_back(source.problem(document.place_of(at + "/from/command"), "a command is a list, and its program an absolute path", "for example [/usr/bin/pass, show, api-token]"));
        }
        std::sort(secret.hosts.begin(), secret.hosts.end());
        if (const auto twice = std::adjacent_find(secret.hosts.begin(), secret.hosts.end()); twice != secret.hosts.end()) {
            problems.push_back(source.problem(document.place_of(at + "/hosts"), fmt::format("{} stands here twice", *twice), "keep one"));
        }
        all.emplace(name, std::move(secret));
    }
    return all;
}

}  // namespace bottle
