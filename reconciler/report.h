#pragma once

#include "reconciler/plan.h"
#include "reconciler/proof.h"

#include <string>
#include <vector>

namespace bottle {

/// Kubernetes' shape of a condition, without the time: only transitions are stored.
struct Condition {
    std::string type;    ///< Accepted, NetworkReady, BundleReady, MachineReady, Confined, Provisioned, WorkloadRunning, Ready
    std::string status;  ///< True, False, Unknown
    std::string reason;  ///< CamelCase
    std::string message;

    bool operator==(const Condition&) const = default;
};

/// Computed from the same values as the plan, in the order above. Ready is True only if Confined is, and everything else stands.
std::vector<Condition> conditions(const Desired& desired, const Snapshot& snapshot);

/// The condition of that type; it is always there.
const Condition& condition(const std::vector<Condition>& all, const std::string& type);

/// Exit code of `diff`: 0 nothing to do, 1 differences, 2 the host policy does not allow the manifest, 3 another refusal or an unknown.
Exit exit_of_diff(const Plan& plan);

}  // namespace bottle
