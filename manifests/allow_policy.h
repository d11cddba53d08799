#pragma once

#include "manifests/stated.h"

#include <cstdint>
#include <string>
#include <vector>

// What a manifest may ask for at most on this host. The keys are described in schema/host_policy.v1.schema.json.
namespace bottle {

class SourceText;
struct YamlDocument;

struct MachineLimits {
    Limit<std::int64_t> cpus;
    Limit<std::int64_t> memory;  ///< bytes, as the others
    Limit<std::int64_t> storage;
    Limit<std::int64_t> overlay;
};

struct ContainerLimits {
    Limit<std::int64_t> nano_cpus;  ///< Docker's unit
    Limit<std::int64_t> memory;
    Limit<std::int64_t> pids;
};

struct AllowPolicy {
    Limit<std::vector<std::string>> images;  ///< patterns of repositories
    std::optional<Place> digests_only;       ///< where that is said
    Limit<std::vector<std::string>> rootfs;  ///< absolute folders
    Limit<std::vector<std::string>> volumes;       ///< patterns of names
    Limit<std::vector<std::string>> capabilities;
    MachineLimits machine;
    ContainerLimits containers;
};

/// The key `allow` of a policy that fits the schema. Adds quantities that are none to `problems`.
AllowPolicy decode_allow(const YamlDocument& document, const SourceText& source, std::vector<Problem>& problems);

}  // namespace bottle
