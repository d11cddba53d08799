#pragma once

#include <string>
#include <vector>

namespace bottle {

/// An address of this host that a guest must not reach.
struct HostAddress {
    std::string interface;
    std::string address;  ///< numeric, canonical

    bool operator==(const HostAddress&) const = default;
};

/// The host's addresses on interfaces that are up and neither loopback nor a bridge (Docker's own), link-local ones
/// left out; IPv4 first. Then the IPv6 loopback address, where the kernel has it. Empty where it cannot be read.
std::vector<HostAddress> host_addresses();

}  // namespace bottle
