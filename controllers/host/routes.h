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

/// Destinations of the IPv4 routes of all tables but the default ones and the host's own addresses, "a.b.c.d/n", sorted, each once.
/// Throws Error{Exit::Failed} when the kernel does not answer.
std::vector<std::string> routed_destinations();

}  // namespace bottle
