#pragma once

#include "controllers/host/kvm.h"
#include "controllers/host/passable.h"
#include "manifests/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// The longest path that a socket can have on Linux (unix(7): sun_path has 108 bytes, one of them for the end).
inline constexpr std::size_t kMaxSocketPath = 107;

/// Of `GET /info`.
struct DockerHost {
    std::string version;
    std::string storage_driver;
    std::string cgroup_driver;
    std::string cgroup_version;
    bool bridge_filter = false;  ///< the kernel's firewall sees what bridges carry (BridgeNfIptables)

    bool operator==(const DockerHost&) const = default;
};

/// What a host must have before anything is made on it. Plain facts; `check_preflight` thinks.
struct PreflightFacts {
    bool is_root = false;
    std::int64_t euid = -1;

    std::string smolvm_named;    ///< the program that the host policy names, and where; empty: it is looked for on PATH
    std::string smolvm_path;     ///< empty: there is none
    std::string smolvm_version;  ///< as it prints it; empty: it did not answer
    std::string smolvm_accepted; ///< the version that the host policy gives to a program with this one's digest; empty: none
    std::string smolvm_problem;  ///< why it did not

    KvmFacts kvm;
    bool kvm_is_open_to_us = false;  ///< access lists count too; without root, the VMM has our uid and groups
    std::string longest_socket;  ///< the longest path of a socket in the machine's folder

    struct Docker {
        std::string named;    ///< where the host policy names it; empty: it does not
        std::string address;  ///< the socket's path
        std::string problem;  ///< not empty: it does not answer, and why
        bool rootless = false;
        bool desktop = false;
        bool not_permitted = false;                           ///< it does not answer because we may not use its socket
        bool refused = false;                                 ///< it answers, and is nothing that we can work with
        std::optional<bool> same_network_namespace = true;    ///< nothing: it could not be told
        std::optional<DockerHost> host;                       ///< nothing: it does not answer
        std::int64_t socket_owner = 0;  ///< uid of the process behind the socket; -1: it could not be told
    } docker;

    std::string image;                   ///< the root file system's folder
    std::vector<Impassable> impassable;  ///< folders that the image's reader cannot pass, outermost first: the VMM's uid, or who copies it
    bool image_writable = false;         ///< the VMM's uid could write in the image folder, and no copy is made
    std::int64_t vmm_uid = 0;            ///< 0: not chosen yet
};

/// What stands in the way, by what it is about, each with a remedy that exists. Pure.
struct PreflightProblems {
    std::vector<Problem> smolvm;
    std::vector<Problem> kvm;
    std::vector<Problem> state_folder;
    std::vector<Problem> docker;
    std::vector<Problem> image;
};
PreflightProblems preflight_problems(const PreflightFacts& facts);

/// All of it; empty if nothing.
std::vector<Problem> check_preflight(const PreflightFacts& facts);

}  // namespace bottle
