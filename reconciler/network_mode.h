#pragma once

#include "manifests/host_policy.h"
#include "manifests/network_mode.h"
#include "reconciler/observed.h"

#include <string>
#include <vector>

namespace bottle {

/// How the guest shall reach the bundle, and why so.
struct ModeChoice {
    NetworkMode mode = NetworkMode::Bridge;
    std::string why;                ///< in words
    std::vector<Problem> problems;  ///< why it cannot be had; empty: it can

    bool operator==(const ModeChoice&) const = default;
};

/// The manifest's own mode, or what `auto` is. Pure. `auto` never picks a mode whose list nobody can read again, or that was seen not to enforce it;
/// that one is refused unless the host policy opts in and the smolvm on PATH is one that it names, and where bottle is root.
ModeChoice choose_network_mode(const NetworkSpec& network, const HostPolicy& policy, const HostFacts& host);

}  // namespace bottle
