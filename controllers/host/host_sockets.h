#pragma once

#include "reconciler/observed.h"

#include <vector>

namespace bottle {

/// Who takes connections and datagrams from anybody in our network namespace, over IPv4 and IPv6: TCP sockets that listen, and sockets of UDP that are
/// connected to nobody (/proc/net/{tcp,tcp6,udp,udp6}; format: Documentation/networking/proc_net_tcp.rst of the kernel). An IPv4-mapped address is IPv4.
/// Unknown when one of the tables cannot be read; a host without IPv6 has none for it, and that is fine.
Observation<std::vector<HostSocket>> host_sockets();

}  // namespace bottle
