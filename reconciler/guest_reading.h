#pragma once

#include "reconciler/observation.h"
#include "reconciler/resources.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the guest probe and the host's listeners saw, before anything is decided from it.
namespace bottle {

/// One thing that the guest tries. Positives must be reached; each negative has a fresh live listener of ours behind it
/// (except public addresses and smolvm's own gateway, where nothing of ours can listen).
struct ProbeTarget {
    enum class Kind {
        BundlePort, Tcp, Udp, DnsUdp, DnsTcp, Icmp, Tcp6, Udp6,
        Listener,  ///< the guest itself listens on the port, and nobody shall be able to reach it
    };
    enum class Expect {
        Reached,     ///< a port of our bundle
        Denied,      ///< must not be reached
        OwnGateway,  ///< smolvm's own 100.96.0.1: answers ICMP itself, and DNS with NXDOMAIN
        Unlogged,    ///< must not be reached, and smolvm, which has no log of refusals (before 1.8.1), cannot say that it refused it
        NoRoute,     ///< the machine has no network: there must be no way to it at all
    };
    Kind kind = Kind::Tcp;
    Expect expect = Expect::Denied;
    std::string what;     ///< for people: "internal gateway", "host address eth0", "bundle port proxy"
    std::string address;  ///< numeric; IPv6 in canonical form
    int port = 0;
    std::string name;     ///< DNS: the random name that is asked for

    bool operator==(const ProbeTarget&) const = default;
};

struct ProbeResult {
    ProbeTarget target;

    // From the guest, whose word alone proves nothing.
    enum class Guest { NotRun, Connected, Data, Held, Reset, Refused, Unreachable, Denied, TimedOut, Nxdomain, Answered, Listening, Other };
    Guest guest = Guest::NotRun;  ///< Data: bytes came back; Held: still open after a second; Answered: DNS or ICMP or UDP reply;
                                  ///< Listening: it did, and nobody came
    std::string guest_detail;     ///< errno name, or raw line

    // From the host.
    bool listener_live = false;     ///< ours answered from the host a moment before. Listener: ours stood in the table in which the guest's was looked for
    std::int64_t listener_hits = 0; ///< connections or datagrams that it saw from the guest. Listener: listeners on this host that were the guest's
    bool host_saw = false;          ///< BundlePort: a connection from the VMM to address:port stood in the host's or the bundle's socket table; without
                                    ///< a network, one of infra's relay in the bundle's
    bool event = false;             ///< this address:port (or name) stands in smolvm's denial log of this boot
    bool event_readable = false;

    bool operator==(const ProbeResult&) const = default;
};

/// The host's firewall around one run of the probe: what speaks for a refusal where smolvm writes down none (1.4.0).
struct WallReading {
    std::string smolvm;                  ///< the version that the machine runs on
    std::optional<FirewallRules> rules;  ///< that the machine's process shall be held to; nothing: none
    std::int64_t vmm_uid = -1;           ///< that it really has
    Observation<std::string> before;     ///< the table of that uid, as libnftables lists it, before the guest tried anything
    Observation<std::string> after;      ///< and when it had tried everything

    bool operator==(const WallReading&) const = default;
};

/// All that one run of the probe brought in.
struct GuestReading {
    std::string problem;  ///< not empty: it could not be run to its end, and why
    std::string nonce;    ///< fresh for this run, echoed by the probe
    std::vector<ProbeResult> results;
    std::optional<WallReading> wall{};  ///< nothing: smolvm writes a denial log

    bool operator==(const GuestReading&) const = default;
};

}  // namespace bottle
