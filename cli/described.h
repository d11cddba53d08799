#pragma once

#include "reconciler/report.h"

#include <string>
#include <vector>

// What a description says of the parts of a bottle, for its text and its JSON. Pure.
namespace bottle {

struct DescribedNetwork {
    std::string name;
    std::string subnet;
    bool internal = false;
    std::string state;  ///< "there", "absent", "unknown: …"
    std::vector<std::string> on_it;  ///< names of the containers
};

struct DescribedContainer {
    std::string name;
    std::string image;  ///< as the manifest says it
    std::string state;  ///< Docker's own word, "absent", "unknown: …"
    std::string started;  ///< RFC 3339; empty where it does not run
    std::vector<std::string> ports;  ///< "9099 (proxy)"
};

struct DescribedMachine {
    std::string state;  ///< "running", "stopped", "absent", "unknown"
    std::int64_t pid = 0;
    std::int64_t uid = -1;
};

/// What the evidence of one kind comes to.
struct DescribedEvidence {
    std::string kind;
    std::string verdict;
    std::size_t readings = 0;
    std::string doubt;  ///< the first that does not hold
};

std::vector<DescribedNetwork> described_networks(const Desired& desired, const Snapshot& snapshot);
std::vector<DescribedContainer> described_containers(const Desired& desired, const Snapshot& snapshot);
DescribedMachine described_machine(const Snapshot& snapshot);
/// Of the kinds that are required, in their order; none while no machine runs.
std::vector<DescribedEvidence> described_evidence(const Desired& desired, const Snapshot& snapshot);

/// "10.231.0.2/32, names closed": what the machine's row shall say.
std::string allowlist_text(const Desired& desired);
/// "uid 2900000 to 10.231.0.2 tcp 9099 only", or why there is none.
std::string firewall_text(const Desired& desired);

}  // namespace bottle
