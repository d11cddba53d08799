#pragma once

#include "manifests/host_policy.h"
#include "manifests/manifest.h"
#include "reconciler/allocate.h"

#include <vector>

namespace bottle {

/// What the manifest asks for and the host policy does not allow: each at its place in the manifest, with the policy's own and the way out. Pure.
std::vector<Problem> beyond_limits(const Manifest& manifest, const HostPolicy& policy);

/// What is wrong with the subnets of the policy: no subnet in plain form, none of a private range, no room for one network, or one in the other.
std::vector<Problem> pool_problems(const PoolsPolicy& pools);

/// Where allocations come from on this host.
Pools pools_of(const HostPolicy& policy);

}  // namespace bottle
