#pragma once

#include "controllers/guest/host_addresses.h"
#include "reconciler/guest_reading.h"
#include "reconciler/resources.h"

#include <functional>
#include <string>
#include <vector>

namespace bottle {

/// What stands around one bottle, as far as its guest may or must not reach it.
struct Surroundings {
    std::string bundle_address;
    std::vector<BundlePort> ports;
    std::string internal_gateway;  ///< the host's address on the internal network
    std::string external_gateway;  ///< the same on the external network; empty: there is none
    std::vector<HostAddress> host_addresses;
    struct Neighbour {
        std::string bottle;
        std::string internal_gateway;
        std::string alias = {};  ///< mode tsi-loopback: its own, else empty
    };
    std::vector<Neighbour> neighbours;  ///< other bottles with a network of their own
    /// The guest's path of the mounted socket, where the machine has no network and its one port is forwarded to that; empty: it has a network.
    std::string socket;
    std::string alias = {};  ///< mode tsi-loopback: the address of this host's loopback at which the guest dials the bundle's ports; empty: another mode
};

/// A target, and where a fresh listener of ours has to stand behind it.
struct PlannedTarget {
    ProbeTarget target;           ///< port 0 until the listener has one
    std::string listen_on;        ///< address of this host; empty: nothing of ours can listen there
    bool may_be_missing = false;  ///< another bottle's network can vanish at any time: then the target is left out

    bool operator==(const PlannedTarget&) const = default;
};

/// Everything that the guest shall try. Pure but for `random_hex`, which makes DNS names that nobody can have cached.
std::vector<PlannedTarget> plan_targets(const Surroundings& around, const std::function<std::string()>& random_hex);

/// smolvm's own gateway as the guest sees it (virtio-net, all versions that have it). TCP to it is dialled to the
/// host's 127.0.0.1 where the policy lets it through, to ::1 for the IPv6 one.
inline constexpr const char* kSmolvmGateway = "100.96.0.1";
inline constexpr const char* kSmolvmGateway6 = "fd53:4d00::1";
/// Where the forwarder in a machine without a network listens, and the proxy in the bundle's own namespace.
inline constexpr const char* kLoopback = "127.0.0.1";
/// From where infra's relay connects to that proxy (controllers/docker/pause): so its connections are told from the containers' own.
inline constexpr const char* kRelayAddress = "127.0.0.2";

}  // namespace bottle
