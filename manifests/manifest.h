#pragma once

#include "manifests/error.h"
#include "manifests/provider.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// A manifest as the user means it: validated, with defaults filled in and paths made absolute.
// The keys are described in schema/bottle.v1.schema.json.
namespace bottle {

struct MachineSpec {
    // What its root file system is made of: one of these is not empty.
    std::string rootfs;   ///< absolute folder, unpacked
    std::string docker;   ///< name:tag, image id, or digest
    std::string archive;  ///< absolute file: `docker save`, or an OCI layout
    std::string pack;     ///< absolute file: smolvm's .smolmachine
    Place image_place;
    int cpus = 2;
    std::int64_t memory_mib = 4096;
    int storage_gib = 20;
    int overlay_gib = 10;
    std::string user = "root";  ///< who runs the agent's command in the guest
};

/// A file or folder beside the manifest of which the guest gets a copy.
struct CopySpec {
    std::string name;    ///< the last part of its path: a skill's name
    std::string folder;  ///< absolute, the manifest's: nothing outside of it is read
    std::string path;    ///< beneath it
    Place place;

    bool operator==(const CopySpec&) const = default;
};

struct AgentSpec {
    Provider provider = Provider::None;
    std::vector<std::string> command;        ///< argv, the provider's where the manifest names none; empty: no workload
    std::map<std::string, std::string> env;  ///< literal values
    std::map<std::string, std::string> secrets;  ///< the names of secrets of the host policy, by the variable that gets the value
    std::optional<CopySpec> prompt;
    std::vector<CopySpec> skills;
};

/// How the guest reaches the bundle.
enum class NetworkMode { Bridge, Socket, TsiLoopback };

struct NetworkSpec {
    std::optional<NetworkMode> mode;  ///< none: auto
    Place mode_place;                 ///< of the manifest itself, where the key is left out
    std::string firewall = "auto";
    Place firewall_place;
};

/// The name of the port that the guest's HTTP_PROXY leads to, and in mode socket of the only one that the guest has.
inline constexpr const char* kProxyPort = "proxy";

struct PortSpec {
    std::string name;
    int port = 0;
};

struct VolumeSpec {
    std::string name;  ///< becomes the Docker volume bottle-<bottle>-<name>
    std::string path;  ///< absolute, in the container
};

struct LimitsSpec {
    std::int64_t memory_bytes = 512LL * 1024 * 1024;
    std::int64_t nano_cpus = 1'000'000'000;  ///< Docker's unit
    std::int64_t pids = 256;
};

struct ContainerSpec {
    Place place;
    std::string name;
    std::string image;  ///< name:tag, image id, or digest
    Place image_place;
    std::optional<std::vector<std::string>> entrypoint;  ///< absent: the image's
    std::optional<std::vector<std::string>> command;     ///< absent: the image's
    std::vector<PortSpec> ports;
    std::map<std::string, std::string> env;
    std::string user;  ///< empty: the image's
    std::vector<std::string> tmpfs;
    std::vector<VolumeSpec> volumes;
    std::vector<std::string> capabilities;  ///< added to none
    LimitsSpec limits;
};

struct BundleSpec {
    std::vector<ContainerSpec> containers;
    bool external_network = true;
};

struct Manifest {
    Place place;
    std::string name;
    std::map<std::string, std::string> labels;
    MachineSpec machine;
    AgentSpec agent;
    NetworkSpec network;
    BundleSpec bundle;
    /// By JSON pointer, of what is written there: what a host policy may refuse, and what stands around it.
    std::map<std::string, Place> places;
};

/// Where that is written, or what stands nearest around it.
Place place_in(const Manifest& manifest, std::string pointer);

}  // namespace bottle
