#pragma once

#include "reconciler/observation.h"
#include "reconciler/step.h"
#include "reconciler/world.h"

#include <cstdint>
#include <set>
#include <string>

namespace bottle {

/// The kernel's nftables, by libnftables: no program is started. Looking and acting need CAP_NET_ADMIN in our network namespace.
class FirewallController {
public:
    /// The table of a uid as JSON. Absent: there is none. Unknown: the kernel's tables cannot be listed (no right, no nf_tables), and why.
    Observation<std::string> observe(std::int64_t uid);

    /// The uids of all tables with a name as ours have it. Unknown as for `observe`.
    Observation<std::set<std::int64_t>> uids();

    /// Each is one transaction of the kernel: all of it, or nothing.
    Outcome act(const InstallFirewall& action);
    Outcome act(const RemoveFirewall& action);
};

}  // namespace bottle
