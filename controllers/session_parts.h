#pragma once

#include "controllers/bottle_world.h"
#include "controllers/session.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

// What a session has open. Only for session*.cpp.
namespace bottle {

struct Session::Parts {
    Environment environment;
    StatePlace place;
    StateStore store;
    std::once_flag outside_once;
    std::unique_ptr<Engine> engine;  ///< this and the next two: once a world was asked for
    std::optional<Smolvm> smolvm;
    std::optional<SecretReader> secrets;
    SystemProcessRunner runner;
    std::once_flag policy_once;
    std::optional<HostPolicy> read_policy;

    explicit Parts(Environment given);

    /// With Docker and smolvm, which the host policy may name: without it, another Docker would be taken for empty. The smolvm is taken for the build that
    /// the host policy names, where it is that one.
    BottleWorld world(const std::string& bottle);
    /// As DOCKER_HOST is written: the host policy's, or that.
    std::string docker_host();
    std::string lock_of(const std::string& bottle) const { return place.folder + "/locks/" + bottle; }
    KeyedDigest keyed_digest(bool make_key) const { return place.keyed_digest(make_key); }
    /// Read once, by the first who asks: what is only printed of our records needs none.
    const HostPolicy& policy();

    /// What is looked at for a bottle of this manifest: without an allocation nothing that hangs on one, and no secret.
    Scope scope_of(const Manifest& manifest, const std::optional<Allocation>& allocation) const;
    /// The same without a manifest.
    Scope removal_scope(const std::string& bottle);

    /// What of ours our records do not know. `removal`: the plan that removes a bottle of that name.
    Observation<std::vector<Leftover>> leftovers(const std::function<Plan(const std::string&)>& removal);
    /// Of this host, for a bottle of that name; without what only one bottle's plan tells (its image, its uid).
    PreflightFacts preflight_facts(BottleWorld& world, const std::string& bottle);

    /// Chooses what the bottle shall hold, and records it: under one lock, so that two bottles never choose the same. With `bound` exactly that, or
    /// Error{Exit::Precondition}.
    Allocation reserve(const Manifest& manifest, BottleWorld& world, const std::optional<Allocation>& bound);
};

}  // namespace bottle
