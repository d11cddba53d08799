#pragma once

#include "reconciler/desired.h"
#include "reconciler/observed.h"
#include "reconciler/proof.h"

#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// One of the things that keep the guest to its bundle.
struct Enforcement {
    std::string by;                  ///< "smolvm", "names", "network", "firewall"
    bool there = true;               ///< false: nothing of the kind is used, and `text` says why
    std::optional<Verdict> verdict;  ///< of the machine that runs now; nothing: none runs
    std::string text;                ///< what it holds the guest to
    std::string doubt;               ///< the first reading that does not hold; empty where all do

    bool operator==(const Enforcement&) const = default;
};

/// How the guest of one bottle reaches its bundle, why so, and what holds it to that.
struct Explanation {
    std::string bottle;
    Place place;
    NetworkSpec asked;
    ModeChoice choice;
    std::string address;  ///< that the guest dials: the bundle's, or the one of this host's loopback that it is published on
    std::string socket;   ///< mode socket: what is mounted in the guest, which then has no way to the address
    bool held = false;    ///< the address is recorded as this bottle's; else the first apply takes what is free then
    std::vector<BundlePort> ports;
    bool running = false;                  ///< a machine runs, or may
    std::vector<Enforcement> enforced_by;  ///< empty where the mode is refused: nothing is made in it
};

/// Of the same values as the plan and the conditions. Pure.
Explanation explain(const Manifest& manifest, const HostPolicy& policy, const Desired& desired, const Snapshot& snapshot);

std::string to_text(const Explanation& explanation);
/// Format "bottle.explain/v1".
std::string to_json(const Explanation& explanation);

}  // namespace bottle
