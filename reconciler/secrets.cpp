#include "reconciler/secrets.h"

#include "manifests/pattern.h"
#include "schema/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bottle {
namespace {

bool gives(const SecretPolicy& secret, const std::string& bottle) {
    return std::any_of(secret.bottles.begin(), secret.bottles.end(), [&](const std::string& pattern) { return matches(pattern, bottle); });
}

std::string file_of(const HostPolicy& policy) {
    return policy.file.empty() ? "the host policy" : policy.file;
}

/// What a person looks at, or types, where a source cannot be read.
std::string way_out(const SecretSource& from) {
    if (const auto* variable = std::get_if<SecretVariable>(&from)) return fmt::format("export {}=…   where bottle is run", variable->name);
    if (const auto* file = std::get_if<SecretFile>(&from)) return fmt::format("ls -l {}   it is a file of your own that nobody else may read", file->path);
    return fmt::format("{}   prints it, alone, in 30 s and without asking", fmt::join(std::get<SecretCommand>(from).argv, " "));
}

std::string absence(const SecretSource& from) {
    if (const auto* variable = std::get_if<SecretVariable>(&from)) return fmt::format("the variable {} is not set", variable->name);
    if (const auto* file = std::get_if<SecretFile>(&from)) return fmt::format("there is no file {}", file->path);
    return "its command gave nothing";
}

class Desires {
public:
    Desires(const Manifest& manifest, const HostPolicy& policy, const Snapshot& snapshot, Desired& desired)
        : manifest_(manifest), policy_(policy), snapshot_(snapshot), desired_(desired) {}

    void run() {
        for (const auto& [variable, name] : manifest_.agent.secrets) add(variable, name);
    }

private:
    Place place(const std::string& variable) const { return place_in(manifest_, "/spec/agent/env/" + variable + "/secret"); }

    void refuse(const std::string& variable, const std::string& name, std::string text, std::string hint) {
        desired_.withheld.insert(name);
        desired_.not_allowed.push_back({place(variable), std::move(text), std::move(hint), ""});
    }

    void add(const std::string& variable, const std::string& name) {
        const auto found = policy_.secrets.find(name);
        if (found == policy_.secrets.end()) {
            std::vector<std::string> names;
            for (const auto& [known, secret] : policy_.secrets) names.push_back(known);
            const auto near = nearest_word(name, names);
            refuse(variable, name, fmt::format("this host has no secret {}", printable(name)),
                   near.empty() ? fmt::format("the host's owner says what it is in {}: secrets: {{{}: {{from: {{env: {}}}, bottles: [{}], hosts: []}}}}", file_of(policy_), printable(name), variable,
                                              manifest_.name)
                                : fmt::format("did you mean {}?", near));
            return;
        }
        const auto& secret = found->second;
        if (!gives(secret, manifest_.name)) {
            refuse(variable, name, fmt::format("secret {} is not for bottle {} ({})", name, manifest_.name, to_string(secret.place)),
                   fmt::format("the host's owner can add {} to secrets.{}.bottles in {}", manifest_.name, name, file_of(policy_)));
            return;
        }
        if (manifest_.agent.command.empty()) {
            refuse(variable, name, "a secret reaches the agent's command alone, and this manifest names none", "name agent.command, or leave the secret out");
            return;
        }
        desired_.workload->secrets[variable] = name;
        if (secret.hosts.empty()) desired_.grants.push_back({name, "", variable});
        for (const auto& host : secret.hosts) desired_.grants.push_back({name, host, variable});
        take_fingerprint(variable, name, secret);
    }

    void take_fingerprint(const std::string& variable, const std::string& name, const SecretPolicy& secret) {
        const auto read = snapshot_.secrets.find(name);
        if (read == snapshot_.secrets.end()) return;
        if (read->second.present()) {
            desired_.fingerprints[name] = *read->second;
            return;
        }
        const auto why = read->second.absent() ? absence(secret.from) : read->second.why();
        desired_.problems.push_back({place(variable), fmt::format("secret {} cannot be read: {} ({})", name, printable(why), to_string(secret.place)), printable(way_out(secret.from)), ""});
    }

    const Manifest& manifest_;
    const HostPolicy& policy_;
    const Snapshot& snapshot_;
    Desired& desired_;
};

/// The pair is in the second column, and where it arrives in the third.
Step grant_step(char symbol, const char* verb, const SecretGrant& grant, const char* cause, Action action) {
    auto step = make_step(symbol, verb, "secret", pair_text(grant), "as " + grant.variable, cause, std::move(action));
    step.id = fmt::format("{} secret {} as {}", verb, pair_text(grant), grant.variable);
    return step;
}

bool contains(const std::vector<SecretGrant>& all, const SecretGrant& grant) {
    return std::find(all.begin(), all.end(), grant) != all.end();
}

}  // namespace

std::set<std::string> secrets_given(const Manifest& manifest, const HostPolicy& policy) {
    std::set<std::string> names;
    for (const auto& [variable, name] : manifest.agent.secrets) {
        const auto found = policy.secrets.find(name);
        if (found != policy.secrets.end() && gives(found->second, manifest.name)) names.insert(name);
    }
    return names;
}

void desire_secrets(const Manifest& manifest, const HostPolicy& policy, const Snapshot& snapshot, Desired& desired) {
    Desires(manifest, policy, snapshot, desired).run();
}

std::string secrets_doubt(const Desired& desired, const ObservedWorkload& workload) {
    for (const auto& [name, fingerprint] : workload.secrets) {
        if (desired.withheld.count(name) > 0) return fmt::format("the host policy does not give secret {} to it any more", name);
        const auto wanted = desired.fingerprints.find(name);
        if (wanted != desired.fingerprints.end() && wanted->second != fingerprint) return fmt::format("secret {} changed", name);
    }
    return {};
}

void plan_secrets(const Desired& desired, const StoredState& stored, PlanBuilder& builder) {
    for (const auto& grant : stored.grants) {
        if (!contains(desired.grants, grant)) builder.add(grant_step('-', "revoke", grant, "not granted any more", RevokeSecret{grant}), builder.ids());
    }
    for (const auto& grant : desired.grants) {
        if (!contains(stored.grants, grant)) builder.add(grant_step('+', "grant", grant, "not granted yet", GrantSecret{grant}), builder.ids());
    }
}

std::string pair_text(const SecretGrant& grant) {
    return fmt::format("{} → {}", grant.name, grant.host.empty() ? "no host named" : grant.host);
}

}  // namespace bottle
