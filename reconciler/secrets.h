#pragma once

#include "reconciler/desired.h"
#include "reconciler/plan_builder.h"

#include <set>
#include <string>

// The secrets of a bottle: which the host policy gives it, what is granted by that, and what became of it. Names alone: no value comes here.
namespace bottle {

/// The names of the manifest's secrets that the host policy gives to this bottle: no other source is read for it.
std::set<std::string> secrets_given(const Manifest& manifest, const HostPolicy& policy);

/// Puts the workload's secrets, their fingerprints and what they grant into `desired`, and what is refused of them at the manifest's line: a name that the
/// policy does not know or does not give to this bottle, a secret without a command that could get it, and a source that could not be read.
void desire_secrets(const Manifest& manifest, const HostPolicy& policy, const Snapshot& snapshot, Desired& desired);

/// Why the workload that runs is not the desired one for its secrets, in words; empty: it is, or they were not read.
std::string secrets_doubt(const Desired& desired, const ObservedWorkload& workload);

/// A step for each pair of a secret and a host that is not as our records have it.
void plan_secrets(const Desired& desired, const StoredState& stored, PlanBuilder& builder);

/// "api-token → api.example.com", or that no host is named for it.
std::string pair_text(const SecretGrant& grant);

}  // namespace bottle
