#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// IPv4 addresses and subnets in their one canonical text. Whatever is written another way ("127.0.0.016", "/+32",
// a trailing space) is not an address to us: smolvm, libkrun and inet_aton read such texts in three different ways.
namespace bottle {

/// Host byte order.
using Address = std::uint32_t;

/// "::ffff:" and an IPv4 address, as IPv6 sockets show one: the same place by another door.
inline constexpr std::string_view kMappedPrefix = "::ffff:";

/// Four decimal numbers without leading zeros; nothing for any other text.
std::optional<Address> parse_address(std::string_view text);
std::string format_address(Address address);

struct Subnet {
    Address base = 0;  ///< with the host bits zero
    int prefix = 0;

    /// The n-th address of the subnet; the caller keeps n within size().
    Address at(std::uint32_t n) const { return base + n; }
    std::uint64_t size() const { return std::uint64_t{1} << (32 - prefix); }
    bool contains(Address address) const;
    bool operator==(const Subnet&) const = default;
};

/// "a.b.c.d/n" with zero host bits and a prefix from 0 to 32; nothing for any other text.
std::optional<Subnet> parse_subnet(std::string_view text);
std::string format_subnet(const Subnet& subnet);
/// "a.b.c.d/32", in canonical text: the only entry that an allowlist of ours ever has.
bool is_one_address(std::string_view cidr);
/// The same, and of 127.0.0.0/8.
bool is_one_loopback(std::string_view cidr);
bool overlap(const Subnet& one, const Subnet& other);

}  // namespace bottle
