#pragma once

#include "reconciler/observed.h"

#include <cstdint>
#include <string>
#include <vector>

// What the kernel's routing says (rtnetlink). Reads only.
namespace bottle {

/// Where a packet of a process with `uid` to the IPv4 `address` would go, policy rules by uid included. Absent: the network is unreachable,
/// or a route refuses or drops it. Unknown: no address, or the kernel gives no answer within 2 s.
Observation<Route> route_to(const std::string& address, std::int64_t uid);

/// Each list sorted, each entry once.
struct HostRoutes {
    /// Destinations of the IPv4 routes of all tables but the default ones and the host's own addresses, "a.b.c.d/n".
    std::vector<std::string> destinations;
    /// The same with their interfaces, and the host's own addresses, each a /32.
    std::vector<Carrier> carriers;
};

/// Throws Error{Exit::Failed} when the kernel does not answer.
HostRoutes host_routes();

}  // namespace bottle
