#pragma once

#include "reconciler/observation.h"
#include "reconciler/resources.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

// What one complete look at the host saw of one bottle. Everything is kept, strangers and duplicates too: choosing is
// the pure part's work.
namespace bottle {

struct Endpoint {
    std::string container_id;
    std::string container_name;
    std::string ipv4;  ///< without the prefix length

    bool operator==(const Endpoint&) const = default;
};

struct ObservedNetwork {
    std::string id;
    Network is;
    /// Who sits on it, from `GET /networks/{id}` (running containers only); looked at for networks with our names or labels.
    Observation<std::vector<Endpoint>> endpoints;

    bool operator==(const ObservedNetwork&) const = default;
};

struct ObservedContainer {
    std::string id;
    Container is;
    std::string status;      ///< created, running, paused, restarting, removing, exited, dead
    std::string created_at;  ///< RFC 3339 with nanoseconds, as Docker prints it
    std::string started_at;
    int exit_code = 0;
    std::string error;
    std::vector<std::string> live_ports;  ///< that Docker publishes now, as `published_ports`; of one that does not run, none (20.10)

    bool operator==(const ObservedContainer&) const = default;
};

/// A container's wish to be reached by an address of this host, of one that is stopped, too.
struct PublishedPort {
    std::string container_id;
    std::string container_name;
    std::string address;  ///< HostIp as it stands there; empty: every address
    int port = 0;         ///< 0: Docker's choice

    bool operator==(const PublishedPort&) const = default;
};

/// All networks and images of interest, all containers that carry our label, have one of our names, or sit on our networks.
struct DockerView {
    std::vector<ObservedNetwork> networks;
    std::vector<ObservedContainer> containers;
    std::vector<Volume> volumes;                         ///< with our label or our names
    std::map<std::string, Observation<Image>> images;    ///< by the reference that was asked for
    std::vector<PublishedPort> published;                ///< of all containers of this Docker; looked at in mode tsi-loopback

    bool operator==(const DockerView&) const = default;
};

/// The first of that name; null: there is none.
const ObservedContainer* find_container(const DockerView& view, const std::string& name);
const ObservedNetwork* find_network(const DockerView& view, const std::string& name);

/// A file that a digest is remembered by: a changed file has another identity.
struct FileIdentity {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;

    bool operator==(const FileIdentity&) const = default;
};

/// A host process that runs our machine: `_boot-vm <our VM folder>/…` in its argv.
struct VmmProcess {
    std::int64_t pid = 0;
    std::uint64_t start_time = 0;  ///< field 22 of /proc/PID/stat: clock ticks since boot
    std::int64_t uid = -1;         ///< effective
    FileIdentity executable;
    std::vector<FileIdentity> libraries;  ///< mapped libkrun and libkrunfw files
    std::map<std::string, std::string> environment;
    /// Not empty: what the kernel does not show us of it, in words. Libraries it shows then never; executable and environment where the executable has a path.
    std::string hidden;
    bool paused = false;  ///< stopped by a signal (state T): nothing of the guest runs until it is continued

    bool operator==(const VmmProcess&) const = default;
};

/// A row of smolvm's table `vms`.
struct MachineRow {
    std::string data;  ///< exact bytes
    bool is_blob = true;

    bool operator==(const MachineRow&) const = default;
};

/// A whole copy of a root file system that belongs to the bottle. A listing is a digest of every entry's name, kind, mode, size, times and inode.
struct ImageCopy {
    std::string source;          ///< what it was made of: an absolute path, or Docker's name
    std::string source_listing;  ///< of a folder, as that was then; of anything else its id, as `ImageSource` has it
    std::string listing;         ///< as the copy was when it was whole

    bool operator==(const ImageCopy&) const = default;
};

struct MachineView {
    Observation<MachineRow> row;
    Observation<std::string> row_digest;  ///< SHA-256 of the row without the keys that smolvm rewrites at start and stop
    std::vector<std::string> other_rows;  ///< names of other rows in this bottle's database
    std::set<std::string> folders;        ///< where this machine's things are
    Observation<bool> vm_folder;          ///< true: disks or other content exist; false: only our claim; Absent: no folder
    Observation<std::vector<VmmProcess>> processes;
    Observation<bool> lock_held;            ///< someone holds the VM folder's vm.lock
    Observation<std::string> running_config;  ///< text of agent.config.json
    Observation<std::set<std::string>> live_channels;  ///< sockets of the VM folder but the agent's, connections to them, egress-update.lock, a mode that lets others in
    Observation<std::int64_t> uid_claim;    ///< the uid whose claim file names this machine
    Observation<ImageCopy> image_copy;         ///< as it was made; Absent: none is whole
    Observation<std::string> image_listing;    ///< of the copy as it is now
    Observation<std::string> source_listing;   ///< of the folder that the manifest names, as it is now
    Observation<std::string> source_id;        ///< of the archive or pack that the manifest names, as it is now
    Observation<std::vector<FileIdentity>> started_files;  ///< the binaries of our recorded start, as they are now; Absent: no start, or one is gone

    bool operator==(const MachineView&) const = default;
};

/// Where the kernel would send a packet to the bundle address.
struct Route {
    std::string device;
    bool local = false;  ///< the address is the host's own
    bool via_gateway = false;

    bool operator==(const Route&) const = default;
};

/// A socket of this host that takes connections or datagrams from anybody.
struct HostSocket {
    std::string protocol;  ///< "tcp", "udp"
    std::string address;   ///< its own; "0.0.0.0" and "::" are every one
    int port = 0;

    bool operator==(const HostSocket&) const = default;
};

/// The folder of a mounted socket, and all that is in it.
struct SocketPlace {
    struct Entry {
        std::string name;
        bool is_socket = false;
        std::int64_t uid = -1;
        std::int64_t gid = -1;
        unsigned mode = 0;  ///< the permissions
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t ctime_ns = 0;

        bool operator==(const Entry&) const = default;
    };
    std::int64_t uid = -1;
    std::int64_t gid = -1;
    unsigned mode = 0;  ///< the permissions
    std::vector<Entry> entries;

    bool operator==(const SocketPlace&) const = default;
};

/// Our own start of a machine, as the journal has it.
struct StartRecord {
    std::string boot_id;
    std::int64_t pid = 0;
    std::uint64_t start_time = 0;
    std::string row_digest;  ///< verified before the start
    std::vector<FileIdentity> binaries;  ///< smolvm and its libraries whose digests were taken then
    bool firewalled = false;             ///< the bottle's firewall rules stood, read back, before it

    bool operator==(const StartRecord&) const = default;
};

enum class EvidenceKind { Row, Process, Config, Bundle, Guest, Firewall };
enum class Verdict { Holds, Fails, Unknown };

/// One reading that the proof rests on.
struct Evidence {
    EvidenceKind kind = EvidenceKind::Row;
    Verdict verdict = Verdict::Unknown;
    std::string reading;  ///< what was seen, in plain words
    std::string digest;   ///< of the raw material, where there is some

    bool operator==(const Evidence&) const = default;
};

/// What a stored guest proof is bound to: any change makes it worthless.
struct ProofKey {
    std::string boot_id;
    std::int64_t pid = 0;
    std::uint64_t start_time = 0;
    std::string row_digest;
    std::string infra_id;
    std::string infra_started_at;
    std::vector<std::string> network_ids;
    std::vector<std::string> ports;  ///< "container name port" of every bundle port that was tried
    std::string binaries_digest;
    std::string socket;  ///< the mounted socket's file, as `socket_identity` says it; empty: none is mounted

    bool operator==(const ProofKey&) const = default;
};

struct GuestProof {
    ProofKey key;
    std::vector<Evidence> evidence;  ///< kind Guest, one for each thing that was tried
    std::string taken_at;            ///< RFC 3339 UTC
    std::string raw;                 ///< JSON: every probe, its host-side counts and events

    bool operator==(const GuestProof&) const = default;
};

struct WorkloadRunning {
    std::int64_t pid = 0;  ///< of the host process that holds the exec open
    bool operator==(const WorkloadRunning&) const = default;
};
struct WorkloadExited {
    int code = 0;
    bool operator==(const WorkloadExited&) const = default;
};
/// Launched in this boot, but its holder died without leaving an exit code: it may still run in the guest.
struct WorkloadLost {
    bool operator==(const WorkloadLost&) const = default;
};

/// What the launched workload is bound to and how it is. Absent: none was launched in this boot of the machine.
struct ObservedWorkload {
    std::int64_t vmm_pid = 0;
    std::uint64_t vmm_start_time = 0;
    std::string spec_digest;  ///< keyed, of argv, environment and user
    std::variant<WorkloadRunning, WorkloadExited, WorkloadLost> state;
    std::map<std::string, std::string> secrets{};  ///< keyed fingerprints of the values that it got, by the secret's name

    bool operator==(const ObservedWorkload&) const = default;
};

/// How far a machine that was created on new disks has come, before the first proof of it: until then nobody may put anything on it, so it is
/// nobody's loss when it is made anew.
enum class Unproved { Created, Started };

/// What our own state folder holds of this bottle.
struct StoredState {
    std::optional<Allocation> allocation;
    std::optional<StartRecord> start;
    std::optional<GuestProof> proof;
    std::optional<std::string> provisioned;  ///< "pid:start_time" of the VMM that was provisioned
    std::map<std::string, std::string> copied;  ///< into the guest by that: digests of prompt and skills, by their places there
    std::optional<Unproved> unproved;        ///< nothing: proved at some time, or made on disks that were there
    std::map<std::string, Allocation> other_allocations;  ///< of the other bottles, by name
    std::vector<Holdings> others;                         ///< the same, with all that their records say they hold
    std::vector<SecretGrant> grants;    ///< as the last apply made them
    std::optional<std::string> socket;  ///< mode socket: the file that infra made when we started it, as `socket_identity` says it

    bool operator==(const StoredState&) const = default;
};

/// An interface that a route or an address of the host is on.
struct Carrier {
    std::string destination;  ///< "a.b.c.d/n"; /32 for an address of the host itself
    std::string interface;    ///< empty for a route that names none (blackhole, several hops)

    bool operator==(const Carrier&) const = default;
    bool operator<(const Carrier& other) const { return std::tie(destination, interface) < std::tie(other.destination, other.interface); }
};

struct HostFacts {
    std::string boot_id;
    std::int64_t euid = 0;
    std::string owner;               ///< random id that marks what is ours; empty: none yet
    std::string state_folder;        ///< $XDG_STATE_HOME/bottle
    std::int64_t smolvm_size = -1;   ///< bytes of the program smolvm on PATH, which tell its build; -1: there is none
    std::set<std::int64_t> taken_uids;  ///< held by bottles of other state folders
    std::vector<std::string> routes;  ///< destinations of the host's routes but the default one, "a.b.c.d/n"
    std::vector<std::string> image_writers;  ///< other bottles whose VMM's uid could write in this bottle's image folder
    std::string accepted_smolvm;      ///< version of the smolvm on PATH, where it is one that the host policy names; else empty
    std::vector<Carrier> carriers;    ///< of those routes, of the same ones listed again, and of the host's addresses

    bool operator==(const HostFacts&) const = default;
};

struct Snapshot {
    HostFacts host;
    Observation<DockerView> docker;
    MachineView machine;
    /// The firewall table of the bottle's uid, as libnftables lists it. Unknown: this host's firewall cannot be read, and so not be used.
    Observation<std::string> firewall;
    Observation<SocketPlace> socket_place;  ///< Absent: it is not there, or none is asked for
    Observation<Route> route;  ///< to the address that the guest dials, for the VMM's uid; Absent: unreachable
    Observation<std::vector<HostSocket>> listeners;  ///< of this host; looked at in mode tsi-loopback, else Absent
    Observation<ObservedWorkload> workload;
    /// Keyed fingerprints of the secrets whose sources were read, by name; Absent: the variable is not set, or the file not there. A name that is missing was not asked for.
    std::map<std::string, Observation<std::string>> secrets;
    /// Digests of the agent's prompt and skills, by their `host_path`; Absent: not there. One that is missing was not asked for.
    std::map<std::string, Observation<std::string>> agent_files;
    Observation<StoredState> stored;

    bool operator==(const Snapshot&) const = default;
};

}  // namespace bottle
