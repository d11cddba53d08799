#pragma once

#include "manifests/allow_policy.h"
#include "manifests/secret_policy.h"

#include <map>
#include <string>
#include <vector>

// What the owner of a host lets bottles do. It stands outside every repository: a manifest that was cloned cannot say it.
// The keys are described in schema/host_policy.v1.schema.json.
namespace bottle {

class SourceText;

struct DockerPolicy {
    std::string host;  ///< as DOCKER_HOST is written, in its place; empty: not said
    Place place;
};

struct NetworkPolicy {
    bool tsi_loopback = false;  ///< a manifest may ask for network.mode tsi-loopback
};

/// A build of smolvm that the host's owner vouches for.
struct AcceptedSmolvm {
    Place place;
    std::string version;                         ///< as `smolvm --version` says it, 0.8.0 to 1.1.2
    std::map<std::string, std::string> digests;  ///< SHA-256 by file name: the program, libkrun and libkrunfw

    bool operator==(const AcceptedSmolvm&) const = default;
};

struct SmolvmPolicy {
    std::string path;  ///< the program, in place of the one on PATH; empty: not said
    Place path_place;
    std::vector<AcceptedSmolvm> accept;
};

/// Where subnets come from, "a.b.c.d/n".
struct PoolsPolicy {
    std::string internal = "10.231.0.0/16";
    Place internal_place;
    std::string external = "10.232.0.0/16";
    Place external_place;
};

/// As the defaults are, it allows nothing that bottle would not do without it.
struct HostPolicy {
    std::string file;  ///< where it is, or would be
    DockerPolicy docker;
    NetworkPolicy network;
    SmolvmPolicy smolvm;
    PoolsPolicy pools;
    AllowPolicy allow;
    SecretPolicies secrets;
};

/// One document of kind HostPolicy in the profile of manifests. Throws one Error{Exit::Usage} with all problems, each with its place.
HostPolicy parse_host_policy(const SourceText& source);

}  // namespace bottle
