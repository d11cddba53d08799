#pragma once

#include "manifests/host_policy.h"
#include "reconciler/world.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// An in-memory host for the pure core's tests: Docker, smolvm and our own state as plain maps, with the transitions that the real ones
// have (each comment names where a fact was measured). It knows nothing of plans, and shares no code with the planner.
namespace bottle::model {

/// A machine as it really runs, whatever its row says by now.
struct LiveMachine {
    std::int64_t pid = 0;
    std::uint64_t start_time = 0;
    std::int64_t uid = 0;
    std::optional<std::vector<std::string>> reach;  ///< the live allowlist; nothing: every address
    std::vector<std::string> sockets;               ///< the host's, mounted in it
    bool names_open = false;
    std::set<std::string> channels;
    std::string running_config;
    std::map<std::string, std::string> environment;
    FileIdentity executable;
    std::vector<FileIdentity> libraries;
    bool by_us = false;
    bool workload_ran = false;
    bool paused = false;
};

class ModelWorld : public Observer, public Executor {
public:
    ModelWorld();

    Snapshot observe(const Scope& scope) override;
    Outcome execute(const Step& step, const Desired& desired, const Snapshot& snapshot) override;

    // What somebody else does, by hand.
    void add_image(const std::string& ref, Image image);
    void start_by_hand();
    void kill_vmm();
    void restart_container(const std::string& name);
    void stop_container(const std::string& name);
    void remove_container(const std::string& name);
    void remove_network(const std::string& name);
    void connect(const std::string& network, const std::string& container);
    void disconnect(const std::string& network, const std::string& container);
    void add_foreign_network(const std::string& name, const std::string& subnet);
    void add_foreign_container(const std::string& name, const std::string& network);
    void write_row(const std::string& data, bool blob = true);
    void open_live(const std::string& cidr);  ///< a line written to egress.sock: live, and no trace (smolvm 1.32.2)
    /// The host starts again: no machine, no running container, another boot id.
    void reboot();
    void change_row(const std::function<void(nlohmann::ordered_json&)>& change);
    ObservedNetwork* network_named(const std::string& name_or_id);
    ObservedContainer* container_named(const std::string& name_or_id);

    /// The file of the mounted socket, "device:inode:ctime"; empty: none.
    std::string socket_there() const;
    /// What the guest can really reach beside the bundle; empty when confined or dead. For I1.
    std::string leak() const;

    std::map<std::string, ObservedNetwork> networks;      ///< by id
    std::map<std::string, ObservedContainer> containers;  ///< by id
    std::map<std::string, Volume> volumes;
    std::map<std::string, Image> images;
    std::optional<MachineRow> row;
    std::optional<bool> vm_folder;  ///< true: with disks
    bool new_disks = false;   ///< no guest has come to write back what its first boot wrote
    bool disks_lost = false;  ///< they start no guest any more
    bool disks_used = false;  ///< by the agent's command
    std::optional<std::int64_t> uid_claim;
    std::string socket_folder;              ///< where the bottle's is
    std::optional<SocketPlace> socket_place;  ///< what is there
    std::string served_socket;                ///< the file that infra made, and listens on
    std::optional<std::string> firewall;  ///< the table of the bottle's uid, as nftables lists it; nothing: no such table
    std::set<std::string> machine_folders = {"/var/lib/state/bottle/bottles/docs-writer/smolvm", "/var/lib/state/bottle/vm/0123456789ab"};
    std::optional<LiveMachine> live;
    StoredState stored;
    HostFacts host;
    std::vector<PublishedPort> published_by_others;
    std::vector<HostSocket> listening;  ///< on this host, beside what Docker publishes
    std::optional<std::string> listeners_unreadable;
    std::optional<ObservedWorkload> workload;
    std::vector<FileIdentity> smolvm_files;        ///< as they are on disk now
    std::optional<ImageCopy> image_copy;
    std::string image_listing;
    std::optional<std::string> source_listing = "source 1";
    std::optional<std::string> source_id = "sha256:a4c41e5eed01" + std::string(52, '7');
    HostPolicy policy;
    std::map<std::string, Observation<std::string>> agent_files;  ///< the digests of prompts and skills
    std::map<std::string, Observation<std::string>> secrets;  ///< the fingerprints of what the sources hold

    // Faults: what cannot be read, and what cannot be done.
    std::optional<std::string> docker_down;
    std::optional<std::string> database_locked;
    std::optional<std::string> processes_unreadable;
    std::optional<std::string> firewall_unreadable;
    std::optional<std::string> socket_unreadable;
    std::set<std::string> failing_steps;   ///< kinds: "start", "prove"…: they fail for good
    std::set<std::string> lying_steps;     ///< they say done, and nothing happened

    int mutations = 0;
    std::vector<std::string> violations;  ///< what must never happen and did: a workload before its proof, a loss of the user's things
    std::vector<std::string> acts;        ///< ids of the steps that were done

private:
    Outcome act(const ImportPauseImage& action);
    Outcome act(const CreateVolume& action);
    Outcome act(const RemoveVolume& action);
    Outcome act(const CreateNetwork& action);
    Outcome act(const RemoveNetwork& action);
    Outcome act(const CreateContainer& action);
    Outcome act(const ConnectNetwork& action);
    Outcome act(const DisconnectNetwork& action);
    Outcome act(const StartContainer& action);
    Outcome act(const RemoveContainer& action);
    Outcome act(const RemoveImage& action);
    Outcome act(const CopyImage& action);
    Outcome act(const MakeSocketFolder& action);
    Outcome act(const ClaimUid& action);
    Outcome act(const CreateMachine& action);
    Outcome act(const UpdateMachine& action);
    Outcome act(const SetAllowlist& action);
    Outcome act(const InstallFirewall& action);
    Outcome act(const RemoveFirewall& action);
    Outcome act(const StartMachine& action);
    Outcome act(const StopMachine& action);
    Outcome act(const PauseMachine& action);
    Outcome act(const ResumeMachine& action);
    Outcome act(const DeleteMachine& action);
    Outcome act(const SealMachine& action);
    Outcome act(const Prove& action);
    Outcome act(const Provision& action);
    Outcome act(const Launch& action);
    Outcome act(const GrantSecret& action);
    Outcome act(const RevokeSecret& action);
    Outcome act(const Forget& action);
    void check_invariants();
    bool is_marked(const Labels& labels) const;
    std::string next_id(const std::string& kind);
    std::string now();
    DockerView docker_view(const std::vector<std::string>& image_refs) const;
    MachineView machine_view() const;
    Observation<Route> route(const std::string& address) const;
    void look_at_loopback(Snapshot& snapshot) const;
    void start_machine(bool by_us);
    void run_infra(const Container& infra);
    std::vector<Evidence> probe() const;

    /// Docker keeps the id of the network or container that a mode names: when that is gone, the mode is of nothing (20.10).
    struct Mode {
        std::string text;
        std::string id;
    };
    ObservedContainer as_seen(const ObservedContainer& container) const;
    std::string id_of_mode(const std::string& mode) const;

    std::map<std::string, Mode> modes_;  ///< by container id
    const Desired* desired_ = nullptr;  ///< while a step is done
    int ids_ = 0;
    int clock_ = 0;
    std::string bottle_;
    std::string bundle_address_;
};

/// The row that `smolvm machine create` writes (1.32.2), offline.
std::string created_row(const Machine& machine);
/// What `nft -j list table` prints of the rules that bottle installs (nftables 1.0.6, kernel 6.18, measured).
std::string listed_firewall(std::int64_t uid, const std::string& address, const std::vector<int>& ports);
/// Files that the model's smolvm is made of.
std::vector<FileIdentity> model_binaries();

}  // namespace bottle::model
