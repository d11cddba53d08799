#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// Plain values that desired and observed state share. Names are Docker's and smolvm's own words.
namespace bottle {

using Labels = std::map<std::string, std::string>;

/// Labels on everything of ours, in Docker and in smolvm. A thing without `owner` and `name` is unmanaged.
namespace label {
inline constexpr const char* kName = "dev.bottle.name";
inline constexpr const char* kComponent = "dev.bottle.component";
inline constexpr const char* kSpecHash = "dev.bottle.spec-hash";
inline constexpr const char* kOwner = "dev.bottle.owner";
inline constexpr const char* kVersion = "dev.bottle.version";
inline constexpr const char* kState = "dev.bottle.state-folder";  ///< of the creator, so that an orphan names its owner
inline constexpr const char* kImage = "dev.bottle.image";         ///< containers: the image as the manifest said it, so that a moved tag is told from another manifest
}  // namespace label

/// A Docker network, as `GET /networks` shows it.
struct Network {
    std::string name;
    std::string driver = "bridge";
    bool internal = false;
    bool ipv6 = false;
    bool attachable = false;
    bool ingress = false;
    std::string scope = "local";
    std::vector<std::string> ipam;  ///< one "subnet gateway ip-range" a pool, "-" for what is not set
    std::map<std::string, std::string> options;
    Labels labels;
    /// Every other setting that is not Docker's default: "IPAM.Driver" -> compact JSON.
    std::map<std::string, std::string> extras;

    bool operator==(const Network&) const = default;
};

/// A container's place on a network.
struct Attachment {
    std::string network;     ///< name
    std::string network_id;  ///< empty in desired state
    std::string ipv4;        ///< the pinned address (IPAMConfig); empty: Docker's choice
    std::string address;     ///< the one in use; empty in desired state, and where the container does not run

    bool operator==(const Attachment&) const = default;
};

/// A container's configuration, as `GET /containers/{id}/json` shows it. Lists whose order means nothing are sorted.
struct Container {
    std::string name;
    std::string image_id;
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;
    std::vector<std::string> env;  ///< "K=V", sorted
    std::string user;
    std::string working_dir;
    std::string hostname;      ///< empty where it is Docker's default (the short id, or the joined container's)
    Labels labels;
    std::string network_mode;  ///< a network's name, or "container:<name of infra>" (ids are translated by the observer)
    std::vector<Attachment> networks;  ///< sorted by name; empty for a container that joins another's namespace
    bool privileged = false;
    bool read_only_rootfs = false;
    bool publish_all_ports = false;
    bool tty = false;
    bool open_stdin = false;
    bool auto_remove = false;
    bool init = false;
    std::vector<std::string> cap_add;       ///< sorted
    std::vector<std::string> cap_drop;      ///< sorted
    std::vector<std::string> security_opt;  ///< sorted
    std::vector<std::string> published_ports;  ///< "9099/tcp -> 0.0.0.0:80", sorted
    std::vector<std::string> mounts;           ///< "volume name:path[:ro]", "bind source:path", sorted
    std::vector<std::string> tmpfs;            ///< "path options", sorted
    std::vector<std::string> devices;
    std::vector<std::string> extra_hosts;
    std::vector<std::string> dns;          ///< DNS servers, options and search domains
    std::vector<std::string> links;
    std::string pid_mode;
    std::string ipc_mode;
    std::string uts_mode;
    std::string userns_mode;
    std::string restart_policy;
    std::string runtime;
    std::string log_driver;
    std::int64_t memory = 0;       ///< bytes
    std::int64_t memory_swap = 0;  ///< bytes, memory included
    std::int64_t nano_cpus = 0;
    std::int64_t pids_limit = 0;
    /// Every other key of HostConfig, Config and the places on networks that is not at Docker's default: "HostConfig.X" -> compact JSON.
    std::map<std::string, std::string> extras;

    bool operator==(const Container&) const = default;
};

/// What of an image a container inherits (`GET /images/{name}/json`).
struct Image {
    std::string id;  ///< "sha256:…"
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;
    std::vector<std::string> env;
    std::string user;
    std::string working_dir;
    Labels labels;
    std::vector<std::string> volumes;  ///< anonymous volumes that it declares: paths
    std::map<std::string, std::string> extras;  ///< what else its containers inherit: "Config.Healthcheck" -> compact JSON

    bool operator==(const Image&) const = default;
};

struct Volume {
    std::string name;
    std::string driver = "local";
    Labels labels;
    std::map<std::string, std::string> options;  ///< the driver's: "device" may be any folder of the host

    bool operator==(const Volume&) const = default;
};

/// What a machine's root file system is copied from.
struct ImageSource {
    enum class Kind { Rootfs, Docker, Archive, Pack };
    Kind kind = Kind::Rootfs;
    std::string from;  ///< Docker: as the manifest says it; else an absolute path
    /// Docker: the image's own id; of an archive and a pack "sha256:" and the digest of the file. Empty: not known; a folder has none.
    std::string id = {};

    bool empty() const { return from.empty(); }
    bool operator==(const ImageSource&) const = default;
};

/// What a bottle holds until it is deleted.
struct Allocation {
    std::string internal_subnet;  ///< "10.231.0.0/29"
    std::string external_subnet;  ///< "10.232.0.0/29", empty without an external network
    std::int64_t vmm_uid = 0;     ///< 0: none of its own, as bottle does not run as root
    std::string alias = {};       ///< mode tsi-loopback: "127.0.0.16"; empty in every other

    bool operator==(const Allocation&) const = default;
};

/// What a bottle holds of this host, and no other may hold too.
struct Holdings {
    std::string bottle;
    std::vector<std::string> subnets;
    std::int64_t vmm_uid = 0;
    std::string alias;
    std::set<std::string> names;    ///< "container bottle-docs-infra", "network …", "volume …", "machine …"
    std::set<std::string> folders;  ///< of its machine: database, VM folder with its sockets, agent root file system, uid claims
    std::string image;              ///< the root file system's folder; several may read one, and none may write it

    bool operator==(const Holdings&) const = default;
};

/// A port of the bundle: what the guest may use, and what the probe must reach.
struct BundlePort {
    std::string container;
    std::string name;
    int port = 0;

    bool operator==(const BundlePort&) const = default;
};

/// The host's Unix socket that is all there is of the outside in a machine without a network (`machine create --mount-socket`). The VMM connects to the
/// path anew for each connection of the guest, as its own uid (1.32.2, measured).
struct MountedSocket {
    std::string host_path;
    std::string guest_path;

    bool operator==(const MountedSocket&) const = default;
};

/// Where the mounted socket lies on the host: a folder of the bottle's that only infra writes in. The VMM, which has another uid, may pass it.
struct SocketFolder {
    std::string path;
    std::int64_t uid = 0;  ///< infra's
    std::int64_t gid = 0;  ///< infra's and the VMM's; -1: the folder is closed to every group, as infra and VMM have one uid

    bool operator==(const SocketFolder&) const = default;
};

/// The smolvm machine as it shall be.
struct Machine {
    std::string name;    ///< smolvm's name: bottle-<bottle>
    std::string rootfs;  ///< absolute folder given as --image
    int cpus = 0;
    std::int64_t memory_mib = 0;
    int storage_gib = 0;
    int overlay_gib = 0;
    std::string allowed_cidr;  ///< exactly this /32, in canonical text; empty: no network
    std::optional<MountedSocket> socket;  ///< in the place of a network
    bool tsi = false;          ///< mode tsi-loopback: its sockets are the host's own, and its smolvm is one of 0.8.0 to 1.1.2
    bool has_command = true;   ///< false: its smolvm takes none at create (before 1.0.0), and runs none by itself
    Labels labels;

    bool operator==(const Machine&) const = default;
};

/// What the host's firewall lets the process of one machine reach: these ports of this address, over TCP, and nothing else; without ports, nothing.
struct FirewallRules {
    std::int64_t uid = 0;
    std::string address;
    std::vector<int> ports;  ///< sorted

    bool operator==(const FirewallRules&) const = default;
};

/// The agent's command, run in the guest by `exec` after the proof.
struct Workload {
    std::vector<std::string> command;
    std::map<std::string, std::string> env;  ///< the bundle's variables and the manifest's literal ones
    std::string user;
    std::map<std::string, std::string> secrets;  ///< the names of secrets, by variable: their values are asked for at the launch

    bool operator==(const Workload&) const = default;
};

/// A secret, a host that it is for, and the variable in which the agent's command gets it.
struct SecretGrant {
    std::string name;
    std::string host;  ///< empty: the host policy names none
    std::string variable;

    bool operator==(const SecretGrant&) const = default;
};

}  // namespace bottle
