#pragma once

#include "controllers/guest/guest_files.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace bottle {

/// A fresh TCP or UDP listener of ours on this host: what a guest must not be able to reach. It answers everybody with
/// a token, and counts who came. The port is the kernel's choice.
class HostListener {
public:
    enum class Protocol { Tcp, Udp };

    /// `address`: IPv4 or IPv6, numeric, an address of this host. Throws Error when nothing can be bound there.
    HostListener(Protocol protocol, const std::string& address, std::string token);

    int port() const { return port_; }
    const std::string& address() const { return address_; }

    /// Connects to it (or sends a datagram) from this process and reads the token back. Such peers are not counted.
    /// Needs a running ListenerLoop. False within `timeout_ms` at the latest.
    bool check_from_host(int timeout_ms = 2000);

    /// Connections and datagrams of others since it was made.
    std::int64_t hits() const { return hits_; }

private:
    friend class ListenerLoop;
    struct Peer {
        std::string address;
        int port = 0;
        bool operator<(const Peer& other) const {
            return std::tie(address, port) < std::tie(other.address, other.port);
        }
    };

    void serve();  ///< takes what has come, called by the loop
    void serve_tcp();
    void serve_udp();
    void drop_finished();  ///< closes connections whose other side is done
    void count(const Peer& peer);
    bool converse(int fd, int timeout_ms) const;

    Protocol protocol_;
    std::string address_;
    std::string token_;
    Fd fd_;
    int port_ = 0;
    std::deque<Fd> open_;  ///< answered connections, closed when the other side closes; the loop's alone
    std::atomic<std::int64_t> hits_{0};
    std::mutex mutex_;
    std::set<Peer> own_;  ///< our own checks' source ports, guarded by mutex_
};

/// The thread that serves a set of listeners until it is destroyed. The listeners must live longer.
class ListenerLoop {
public:
    explicit ListenerLoop(std::vector<HostListener*> listeners);
    ~ListenerLoop();
    ListenerLoop(const ListenerLoop&) = delete;
    ListenerLoop& operator=(const ListenerLoop&) = delete;

private:
    void run();

    std::vector<HostListener*> listeners_;
    Fd stop_read_;
    Fd stop_write_;
    std::thread thread_;
};

}  // namespace bottle
