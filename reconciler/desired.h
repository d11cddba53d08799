#pragma once

#include "manifests/host_policy.h"
#include "manifests/manifest.h"
#include "reconciler/agent_copy.h"
#include "reconciler/network_mode.h"
#include "reconciler/observed.h"
#include "reconciler/resources.h"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bottle {

/// What one bottle shall be: every name, address, list, variable and label spelled out.
struct Desired {
    std::string name;
    Place place;
    Allocation allocation;
    NetworkMode mode = NetworkMode::Bridge;
    std::string mode_why;             ///< in words
    std::string bundle_address;       ///< the infra container's, on the internal network
    std::string dialled;              ///< by the guest: the same, and in mode tsi-loopback the address of this host's loopback that it is published on
    std::string forbidden;            ///< why the host's policy lets no machine of this mode run, in words; empty: it does
    std::vector<Network> networks;    ///< the internal one first
    std::vector<Volume> volumes;
    std::vector<Container> containers;  ///< infra first; the others join its network namespace
    std::vector<std::string> image_refs;  ///< as the manifest says them, beside `containers` (infra's is the pause image)
    std::vector<BundlePort> ports;
    Machine machine;
    std::optional<SocketFolder> socket_folder;  ///< mode socket, and only there: where infra makes the machine's socket
    /// What the machine's folder is a copy of, that belongs to the bottle; empty: it is the manifest's own.
    ImageSource image_source;
    std::int64_t vmm_uid = 0;  ///< that its process shall have
    std::optional<FirewallRules> firewall;
    std::string no_firewall;  ///< why there is none, in words, for the proof
    std::map<std::string, std::string> guest_env;  ///< of the agent's command, and of every `exec`: the bundle's variables and the manifest's
    std::optional<Workload> workload;
    std::map<std::string, std::string> fingerprints;  ///< keyed, of the values of its secrets, by name; of a source that was not read there is none
    std::vector<SecretGrant> grants;                   ///< one for each host of each of its secrets
    std::set<std::string> withheld;                    ///< secrets that the manifest names and the host policy does not give
    std::string user;  ///< whose home is repaired in the guest
    std::vector<AgentCopy> copies;  ///< the agent's prompt and skills
    std::string workload_digest;
    std::vector<EvidenceKind> required;
    /// What the host policy does not allow of it: refused as a wrong manifest is.
    std::vector<Problem> not_allowed;
    /// What stands in the way of building any of it (an image that is not there), each with the way out.
    std::vector<Problem> problems;

    bool operator==(const Desired&) const = default;
};

/// A keyed digest (HMAC-SHA-256 in hex) of a text. The key stays in our state folder.
using KeyedDigest = std::function<std::string(std::string_view)>;

/// Manifest, host policy, allocation and the snapshot's facts (image defaults, owner, state folder) to Desired. Pure.
/// An image that the host does not have becomes a problem, and its container is left out.
Desired desire(const Manifest& manifest, const HostPolicy& policy, const Allocation& allocation, const Snapshot& snapshot, const KeyedDigest& digest);

/// The names that a bottle uses, computed so that a repeated create is harmless.
std::string network_name(const std::string& bottle);
std::string external_network_name(const std::string& bottle);
std::string container_name(const std::string& bottle, const std::string& container);
std::string volume_name(const std::string& bottle, const std::string& volume);
std::string machine_name(const std::string& bottle);
/// What of the machine's image the bottle has a copy of, without its id. Empty only for a folder as root: the VMM, whose uid is another, cannot write in it.
ImageSource image_source_of(const MachineSpec& spec, std::int64_t euid);
/// As people read it: "agent:1 (sha256:62985db63049)", "/srv/agent-rootfs".
std::string to_text(const ImageSource& source);
/// "rootfs", "docker", "archive", "pack": the manifest's own word.
const char* name_of(ImageSource::Kind kind);
/// Where that copy stands: for us in the bottle's folder; as root where the VMM's uid can get at it, in a folder of its own that is closed to everybody
/// else (with smolvm 1.32.2 all folders above a VM's can be passed by everybody).
std::string image_copy_folder(const std::string& state_folder, const std::string& bottle, std::int64_t euid);

/// Mode socket: where the folder of the mounted socket is. As root not in the state folder: the VMM's uid must be able to pass every folder above.
/// /run is empty after a start of the host, as are its sockets.
std::string socket_folder_path(const Allocation& allocation, const std::string& state_folder, const std::string& bottle);

/// The socket's name in that folder, and its path in infra and in the guest, whose root cannot remove it there: it is a mount (1.32.2).
inline constexpr const char* kSocketName = "proxy.sock";
inline constexpr const char* kSocketPath = "/run/bottle/proxy.sock";
inline constexpr const char* kSocketMount = "/run/bottle";

/// The name of the infra container within a bottle, and the reference of the image that it runs.
inline constexpr const char* kInfra = "infra";
inline constexpr const char* kPauseImage = "bottle-pause:1";

}  // namespace bottle
