#pragma once

#include "reconciler/desired.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

// What is there and what shall be, resource by resource and in the same words, for `-o diff`.
namespace bottle {

/// A field of a resource, in Docker's words.
struct FieldPair {
    std::string name;
    std::string seen;
    std::string wanted;

    bool operator==(const FieldPair&) const = default;
};

/// Every field that `diff_container` and `diff_network` compare. A null resource is not there (or is not wanted): its texts are empty. Where the value may be a
/// secret, variables first of all, it stands for itself as "as wanted" or "another".
std::vector<FieldPair> container_fields(const Container* wanted, const Container* seen);
std::vector<FieldPair> network_fields(const Network* wanted, const Network* seen);

struct ResourceDocument {
    std::string name;  ///< "container.bottle-docs-egress": a file's name, too
    nlohmann::ordered_json seen;    ///< null: it is not there
    nlohmann::ordered_json wanted;  ///< null: it shall not be there

    bool operator==(const ResourceDocument&) const = default;
};

/// Networks, volumes and containers of this bottle and what else has its names; the machine, its firewall, its evidence while it runs, and the agent's command.
/// Only those that differ, in this order.
std::vector<ResourceDocument> differing_documents(const Desired& desired, const Snapshot& snapshot);

}  // namespace bottle
