#include "reconciler/address.h"

#include <fmt/format.h>

#include <charconv>

namespace bottle {
namespace {

/// A decimal number without sign or leading zero, at most `limit`; advances `text` past it.
std::optional<std::uint32_t> take_number(std::string_view& text, std::uint32_t limit) {
    std::uint32_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    const auto length = static_cast<std::size_t>(rest - text.data());
    if (error != std::errc() || length == 0 || value > limit || (length > 1 && text.front() == '0')) return std::nullopt;
    text.remove_prefix(length);
    return value;
}

std::uint32_t mask(int prefix) {
    return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
    Address address = 0;
    for (int part = 0; part < 4; ++part) {
        if (part > 0) {
            if (text.empty() || text.front() != '.') return std::nullopt;
            text.remove_prefix(1);
        }
        const auto number = take_number(text, 255);
        if (!number) return std::nullopt;
        address = address << 8 | *number;
    }
    if (!text.empty()) return std::nullopt;
    return address;
}

std::string format_address(Address address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

bool Subnet::contains(Address address) const {
    return (address & mask(prefix)) == base;
}

std::optional<Subnet> parse_subnet(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto base = parse_address(text.substr(0, slash));
    text.remove_prefix(slash + 1);
    const auto prefix = take_number(text, 32);
    if (!base || !prefix || !text.empty()) return std::nullopt;
    const Subnet subnet{*base, static_cast<int>(*prefix)};
    if ((subnet.base & mask(subnet.prefix)) != subnet.base) return std::nullopt;
    return subnet;
}

std::string format_subnet(const Subnet& subnet) {
    return fmt::format("{}/{}", format_address(subnet.base), subnet.prefix);
}

bool is_one_address(std::string_view cidr) {
    const auto subnet = parse_subnet(cidr);
    return subnet && subnet->prefix == 32;
}

bool is_one_loopback(std::string_view cidr) {
    constexpr Subnet kLoopback{0x7f000000, 8};
    const auto subnet = is_one_address(cidr) ? parse_subnet(cidr) : std::nullopt;
    return subnet && kLoopback.contains(subnet->base);
}

bool overlap(const Subnet& one, const Subnet& other) {
    return one.contains(other.base) || other.contains(one.base);
}

}  // namespace bottle
