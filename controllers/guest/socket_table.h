#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

namespace bottle {

/// One line of /proc/net/tcp or tcp6, or of udp or udp6 (IPv4-mapped addresses as IPv4).
struct TcpSocket {
    enum class State {
        Listening,
        Established,
        Unconnected,  ///< of UDP: it takes datagrams from anybody
        Closing,  ///< it was established; one side or both are done. In TIME_WAIT, which lasts a minute, the kernel calls its uid 0
    };
    State state = State::Established;
    std::string local_address;
    int local_port = 0;
    std::string remote_address;
    int remote_port = 0;
    std::int64_t uid = -1;

    bool operator==(const TcpSocket&) const = default;
};

/// The sockets in the text of such a table that listen, are connected or were. Lines that make no sense are passed over.
/// Format: Documentation/networking/proc_net_tcp.rst of the kernel; addresses are hex words in the host's byte order.
std::vector<TcpSocket> parse_socket_table(std::string_view text);

/// What to look for while the probe runs.
struct SocketWatch {
    std::string bundle_address;
    std::string internal_gateway;  ///< where connections from this host seem to come from, seen by the bundle
    bool only_in_bundle = false;   ///< this host's own table tells nothing: the machine has no network
    std::set<int> ports;
    std::int64_t vmm_uid = -1;   ///< -1: not known, then only the bundle's own table counts
    std::int64_t infra_pid = 0;  ///< a process in the bundle's network namespace; 0: none
    int guest_port = 0;          ///< the guest listens on it meanwhile; 0: on none
    int control_port = 0;        ///< a listener of ours on this host: a table that does not show it shows nothing
};

/// What was seen at least once.
struct SocketsSeen {
    std::set<int> ports;               ///< bundle ports with a new connection from the VMM
    std::set<std::string> listeners;   ///< "address:port" on this host, of the guest's port or of a VMM's uid that is nobody else's
    bool control = false;              ///< our own listener

    bool operator==(const SocketsSeen&) const = default;
};

/// A TCP port on which nothing on this host listens now; 0 where the table cannot be read.
int free_port();

/// Looks every 50 ms, from construction to stop(), and once more then, for new connections from the VMM to ports of the bundle: in this
/// host's table with the VMM's uid, or in the bundle's with `internal_gateway` as the other side; and for listeners. What stood before it was made
/// is not counted, but for the control.
class SocketWatcher {
public:
    explicit SocketWatcher(SocketWatch watch);
    ~SocketWatcher();
    SocketWatcher(const SocketWatcher&) = delete;
    SocketWatcher& operator=(const SocketWatcher&) = delete;

    /// Ends the looking.
    SocketsSeen stop();

private:
    /// Four addresses and ports tell a connection from another; its state may change.
    using Ends = std::tuple<std::string, int, std::string, int>;

    /// The bundle's port that each one leads to; `host`: this host's IPv4 sockets.
    std::map<Ends, int> connections(const std::vector<TcpSocket>& host) const;
    void look();

    SocketWatch watch_;
    std::map<Ends, int> before_;
    std::set<std::string> listeners_before_;
    SocketsSeen seen_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace bottle
