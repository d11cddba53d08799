#include "controllers/host/policy_file.h"

#include "controllers/state/private_file.h"
#include "manifests/yaml_document.h"
#include "reconciler/host_limits.h"

#include <optional>

namespace bottle {
namespace {

std::optional<std::string> text_of(const std::string& path) {
    constexpr std::size_t kCap = 1 << 20;
    try {
        return read_trusted_file(path, kCap);
    } catch (const Error& error) {
        auto problem = error.problems().front();
        if (problem.hint.empty()) problem.hint = "who can write in it decides about confinement: it is root's or yours, mode 644 or less, and so are the folders above it";
        throw Error(Exit::Precondition, {problem}).add_trace("while reading the host policy");
    }
}

}  // namespace

HostPolicy read_host_policy(const std::string& path) {
    HostPolicy defaults;
    defaults.file = path;
    auto text = text_of(path);
    if (!text) return defaults;
    const SourceText source(path, std::move(*text));
    auto policy = parse_host_policy(source);
    std::vector<Problem> problems;
    for (auto& problem : pool_problems(policy.pools)) problems.push_back(source.problem(*problem.place, std::move(problem.text), std::move(problem.hint)));
    if (!problems.empty()) throw Error(Exit::Usage, std::move(problems));
    return policy;
}

}  // namespace bottle
