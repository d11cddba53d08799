#pragma once

#include "reconciler/guest_reading.h"
#include "reconciler/observation.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bottle {

/// One thing that smolvm's policy refused, from a line of `<VM folder>/egress-denials.log` (smolvm 1.8 and newer):
///   [2026-11-24T12:20:56Z]: egress policy denied connect to 10.231.0.1:99
///   [2026-11-24T12:20:56Z]: egress policy denied sendto 10.231.0.1:98
///   [2026-11-24T12:20:57Z]: egress policy denied resolve foo.invalid
///   [2026-11-24T12:20:57Z]: egress policy denied icmp 1.1.1.1
/// (measured on 1.32.2). The file belongs to the VMM's uid and has mode 0666 in a folder of mode 0700.
struct Denial {
    enum class Operation { Connect, Send, Resolve, Echo };
    Operation operation = Operation::Connect;
    std::string address;  ///< canonical; an IPv4-mapped IPv6 address as its IPv4 address. Empty for Resolve
    int port = 0;
    std::string name;  ///< Resolve only: lower case, without a trailing dot

    bool operator==(const Denial&) const = default;
};

/// The denials among whole lines of the log. Lines that are anything else are passed over: a line can only ever speak
/// for a refusal, so a missed one costs a proof and never makes one. An unfinished last line is not read.
std::vector<Denial> parse_denials(std::string_view text);

/// True if one of them is about this very address and port and protocol; for DNS, about this very name.
bool is_denied(const std::vector<Denial>& denials, const ProbeTarget& target);

/// A place in the log: what is written after it belongs to what we do next. A log that does not exist yet is one, too.
struct DenialMark {
    bool exists = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t offset = 0;
};

/// Where the log ends now. Unknown: not a regular file, a symlink, not readable. Never Absent.
Observation<DenialMark> mark_denials(const std::string& vm_folder);

/// What was written since the mark. Unknown also when the log was rotated (at 8 MiB), replaced or shortened in between,
/// or more than 8 MiB were written. Never Absent: a log that still does not exist reads as an empty list.
Observation<std::vector<Denial>> denials_since(const std::string& vm_folder, const DenialMark& mark);

}  // namespace bottle
