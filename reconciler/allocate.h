#pragma once

#include "manifests/manifest.h"
#include "reconciler/observed.h"

#include <string>
#include <variant>

namespace bottle {

/// Of each network: room for gateway, bundle address and Docker's own range, and no more.
inline constexpr int kSubnetPrefix = 29;

/// Where allocations come from.
struct Pools {
    std::string internal = "10.231.0.0/16";
    std::string external = "10.232.0.0/16";
    /// smolvm's own registry of VMM uids begins at 2000000 (measured, 1.32.2); ours stays clear of it.
    std::int64_t first_uid = 2'900'000;
    std::int64_t last_uid = 2'909'999;
};

/// What the bottle shall hold: what it holds already, if that still stands, else the lowest free subnets (/29), as root a uid, and in mode tsi-loopback an
/// address of the loopback (alias.h).
/// Free means: overlapping no other bottle's allocation, no Docker network that is not this bottle's, and no host route; a uid that no bottle of
/// this host holds, in whatever state folder.
/// A held allocation on which nothing is built (no network, no machine) is exchanged when it has come to overlap; another is kept.
/// Returns the reason in words when a pool is used up or Docker could not be read.
std::variant<Allocation, std::string> allocate(const Manifest& manifest, const Pools& pools, const Snapshot& snapshot);

/// The uid that the VMM has: an allocated one, which only root can give it, or `euid`, the user's own.
std::int64_t vmm_uid_of(const Allocation& allocation, std::int64_t euid);

/// The uid that infra has where it makes the mounted socket: beside the pool of the VMMs' uids, one for one, so that it is nobody else's.
std::int64_t infra_uid_of(std::int64_t vmm_uid);

/// .1 and .2 of the internal subnet: the bridge's own address, and the infra container's.
std::string gateway_of(const std::string& subnet);
std::string bundle_address_of(const std::string& subnet);
/// The upper half, the only part from which Docker hands out addresses by itself: never the bundle address.
std::string ip_range_of(const std::string& subnet);

}  // namespace bottle
