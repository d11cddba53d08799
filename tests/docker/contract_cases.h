#pragma once

#include "tests/docker/private_docker.h"

#include <functional>
#include <vector>

// One list of cases, run on the in-memory host and on one with a real Docker in it: what somebody does by hand, and the plan that bottle makes
// of it. The two plans must be the same text, and each must lead back to Ready. So the in-memory host cannot drift from Docker.
namespace bottle {

inline constexpr const char* kInfraName = "bottle-docs-writer-infra";
inline constexpr const char* kEgress = "bottle-docs-writer-egress";
inline constexpr const char* kInternal = "bottle-docs-writer";
inline constexpr const char* kExternal = "bottle-docs-writer-external";

struct ContractCase {
    const char* name;
    std::function<void(model::ModelWorld&)> in_memory;
    std::function<void(DockerHand&)> by_hand;
    bool restarts_nothing = false;  ///< the machine goes on
};

const std::vector<ContractCase>& contract_cases();

}  // namespace bottle
