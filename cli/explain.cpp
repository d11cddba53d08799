#include "cli/commands.h"
#include "cli/print.h"
#include "reconciler/explain.h"
#include "reconciler/reach.h"

#include <algorithm>
#include <variant>

namespace bottle {
namespace {

Exit explain_bottle(const Manifest& manifest, const HostPolicy& policy, const Look& look, bool json) {
    const auto explanation = explain(manifest, policy, look.desired, look.snapshot);
    print(json ? to_json(explanation) : to_text(explanation));
    return explanation.choice.problems.empty() ? Exit::Ok : Exit::Precondition;
}

Exit explain_target(const Manifest& manifest, const HostPolicy& policy, const Look& look, const Target& target, bool json) {
    const auto reach = reach_of(manifest, policy, look.desired, look.snapshot, target);
    print(json ? to_json(reach) : to_text(reach));
    return reach.layers.empty() ? Exit::Precondition : Exit::Ok;
}

std::optional<Target> target_of(const Options& options) {
    if (options.target.empty()) return std::nullopt;
    const auto target = parse_target(options.target);
    if (const auto* why = std::get_if<std::string>(&target)) {
        throw Error(Exit::Usage, printable(options.target) + " is no ADDRESS:PORT: " + *why, "for example: 1.1.1.1:443, [::1]:443 or example.com:443");
    }
    return std::get<Target>(target);
}

}  // namespace

int run_explain(const Options& options) {
    const auto target = target_of(options);
    const bool json = options.output == "json";
    Session session(environment());
    auto worst = Exit::Ok;
    for (const auto& manifest : manifests_of(options, session)) {
        const auto look = session.look(manifest, {});
        worst = std::max(worst, target ? explain_target(manifest, session.policy(), look, *target, json) : explain_bottle(manifest, session.policy(), look, json));
    }
    return static_cast<int>(worst);
}

}  // namespace bottle
