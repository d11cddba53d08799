#pragma once

#include "reconciler/explain.h"

#include <string>
#include <variant>
#include <vector>

namespace bottle {

/// Where a program in the guest would connect to, over TCP.
struct Target {
    std::string host;  ///< an address, canonical, or a name in lower case
    int port = 0;
    enum class Kind { Ipv4, Ipv6, Name } kind = Kind::Ipv4;

    bool operator==(const Target&) const = default;
};

/// "10.231.0.2:9099", "[::1]:443", "example.com:443". In words what is wrong with any other text.
std::variant<Target, std::string> parse_target(const std::string& text);

/// What one layer does with it.
struct Layer {
    std::string by;  ///< "names", "list", "firewall", "no network", "guest", "socket"
    bool lets_through = false;
    std::string rule;                ///< which of its rules, in words
    std::optional<Verdict> verdict;  ///< of what that layer rests on, of the machine that runs now; nothing: none runs
    std::string doubt;               ///< where the verdict is not Holds

    bool operator==(const Layer&) const = default;
};

/// What becomes of one try of the guest.
struct Reached {
    enum class End {
        LetThrough,  ///< by every layer
        Stopped,     ///< by one that holds, or would hold: none runs
        Doubtful,    ///< layers stop it, and of none of them it is known that it holds now
        InGuest,     ///< it never leaves the guest
    };
    std::string bottle;
    Place place;
    Target target;
    End end = End::Stopped;
    std::vector<Layer> layers;  ///< in the order in which the try meets them
    std::string way_out;        ///< how the guest is meant to get there; may be empty

    bool operator==(const Reached&) const = default;
};

/// Of the same values as the plan and the conditions. Pure: nothing is tried. Where the mode is refused there are no layers, and the end is Stopped.
Reached reach_of(const Manifest& manifest, const HostPolicy& policy, const Desired& desired, const Snapshot& snapshot, const Target& target);

std::string to_text(const Reached& reach);
/// Format "bottle.reach/v1".
std::string to_json(const Reached& reach);

/// "[::1]:443", "10.231.0.2:9099".
std::string to_text(const Target& target);

}  // namespace bottle
