#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

namespace bottle {

/// An established TCP connection, from /proc/net/tcp or tcp6 (IPv4-mapped addresses as IPv4).
struct Connection {
    std::string local_address;
    int local_port = 0;
    std::string remote_address;
    int remote_port = 0;
    std::int64_t uid = -1;

    bool operator==(const Connection&) const = default;
    bool operator<(const Connection& other) const {
        return std::tie(local_address, local_port, remote_address, remote_port, uid) <
               std::tie(other.local_address, other.local_port, other.remote_address, other.remote_port, other.uid);
    }
};

/// The established connections in the text of such a table. Lines that make no sense are passed over.
/// Format: Documentation/networking/proc_net_tcp.rst of the kernel; addresses are hex words in the host's byte order.
std::vector<Connection> parse_socket_table(std::string_view text);

/// What to look for while the probe holds its connections.
struct ConnectionWatch {
    std::string bundle_address;
    std::string internal_gateway;  ///< where connections from this host seem to come from, seen by the bundle
    std::set<int> ports;
    std::int64_t vmm_uid = -1;   ///< -1: not known, then only the bundle's own table counts
    std::int64_t infra_pid = 0;  ///< a process in the bundle's network namespace; 0: none
};

/// Looks every 50 ms, from construction to stop(), for new connections from the VMM to ports of the bundle: in this
/// host's table with the VMM's uid, or in the bundle's with this host as the other side. Connections that stood
/// before it was made are not counted.
class ConnectionWatcher {
public:
    explicit ConnectionWatcher(ConnectionWatch watch);
    ~ConnectionWatcher();
    ConnectionWatcher(const ConnectionWatcher&) = delete;
    ConnectionWatcher& operator=(const ConnectionWatcher&) = delete;

    /// Ends the looking; returns the ports that were seen.
    std::set<int> stop();

private:
    std::set<Connection> look() const;

    ConnectionWatch watch_;
    std::set<Connection> before_;
    std::set<int> seen_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace bottle
