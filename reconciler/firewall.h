#pragma once

#include "reconciler/resources.h"

#include <cstdint>
#include <optional>
#include <string>

// The second wall: the host's kernel holds the VMM's uid to the bundle's address and ports, whatever smolvm does. Every bottle has a table of
// its own, so that one is written and removed in one transaction and never touches another's. Texts are libnftables' JSON (nftables 1.0.6,
// kernels 6.1 and 6.18).
namespace bottle {

/// Where names are asked for. Through rules that let a machine reach it anywhere, it might ask.
inline constexpr int kDnsPort = 53;

/// "bottle-2900000", in family inet: uids are one bottle's on the whole host.
std::string firewall_table(std::int64_t uid);

/// The commands that put the rules into force, replacing what is in the table, in one transaction.
std::string firewall_commands(const FirewallRules& rules);
/// The commands that remove the table, whether it is there or not.
std::string firewall_removal(std::int64_t uid);

/// What differs between the table as the kernel lists it and the rules, in plain words; empty if nothing does. Counters do not count.
std::string compare_firewall(const std::string& listing, const FirewallRules& rules);

/// Packets that the rules have seen since they were installed.
struct FirewallTraffic {
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;
};
/// Nothing for a listing that cannot be read.
std::optional<FirewallTraffic> firewall_traffic(const std::string& listing);

/// "10.231.0.2 tcp 9098, 9099": for people.
std::string to_text(const FirewallRules& rules);

}  // namespace bottle
