#pragma once

#include "manifests/host_policy.h"
#include "reconciler/desired.h"

#include <optional>
#include <vector>

namespace bottle {

/// What the guest may reach by `now` that it may not by `was`, the manifest that was applied last, each at its place; empty: nothing more. Pure.
///
/// Reach is the guest's own: the mode, the bundle's ports, the firewall; and what the bundle can pass on for it. A bundle with a way out passes on what its
/// containers let through: another image, program, user, variable, capability or volume of one is a doubt, and a doubt counts as more. So does a container whose
/// image on this host is another than the one that runs. Without a way out (`bundle.externalNetwork: false`) nothing of a container does. A new bottle reaches
/// more than none. Limits, resources, the root file system and the agent's command are no reach.
std::vector<Problem> widenings(const std::optional<Manifest>& was, const Manifest& now, const HostPolicy& policy, const Desired& desired, const Snapshot& snapshot);

}  // namespace bottle
