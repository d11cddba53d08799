#pragma once

#include "reconciler/agent_copy.h"
#include "reconciler/resources.h"

#include <string>
#include <variant>
#include <vector>

namespace bottle {

// Actions: each is one mutation of the outside world. Docker's objects are addressed by id where they exist.
struct ImportPauseImage {};
struct CreateVolume {
    Volume volume;
};
struct RemoveVolume {
    std::string name;
};
struct CreateNetwork {
    Network network;
};
struct RemoveNetwork {
    std::string id;
};
struct CreateContainer {
    Container container;  ///< its first attachment is made with it, the others by ConnectNetwork
};
struct ConnectNetwork {
    std::string network_id;
    std::string container_id;
    std::string ipv4;  ///< empty: Docker's choice
};
struct DisconnectNetwork {
    std::string network_id;
    std::string container_id;
};
struct StartContainer {
    std::string id;
};
struct RemoveContainer {
    std::string id;
};
struct RemoveImage {
    std::string id;
};
/// Makes the folder of the mounted socket, or makes it right, and empties it.
struct MakeSocketFolder {
    SocketFolder folder;
};
struct ClaimUid {
    std::int64_t uid = 0;
};
/// Makes the bottle's own copy of a root file system. Of an archive, a pack or an image of Docker's only where it has that very id.
struct CopyImage {
    ImageSource source;
    std::int64_t vmm_uid = 0;  ///< that reads it
};
struct CreateMachine {
    Machine machine;
    bool takes_disks = false;  ///< those that are there already
};
/// Changes cpus and memory of a stopped machine.
struct UpdateMachine {
    Machine machine;
};
struct SetAllowlist {
    std::string expected_row;  ///< exact bytes that the plan was made from
    std::string cidr;  ///< empty: no network
    bool tsi = false;  ///< as smolvm of 0.8.0 to 1.1.2 wants it
};
/// Puts the rules of the bottle's uid into force, in place of what its table held.
struct InstallFirewall {
    FirewallRules rules;
};
struct RemoveFirewall {
    std::int64_t uid = 0;
};
struct StartMachine {};
struct StopMachine {};
struct DeleteMachine {};
/// Nothing of the guest runs until it is resumed; its memory stays.
struct PauseMachine {};
struct ResumeMachine {};
struct SealMachine {};
struct Prove {};
/// Gives the guest's folders to the user, and brings the agent's prompt and skills in.
struct Provision {
    std::string user;
    std::vector<AgentCopy> copies;
    std::vector<std::string> removed;  ///< places of earlier copies
    bool gives_folders = true;         ///< false: done in this boot already
};
struct Launch {
    Workload workload;
};
/// In our records: that the host policy gives it, and for which host.
struct GrantSecret {
    SecretGrant grant;
};
struct RevokeSecret {
    SecretGrant grant;
};
/// Gives back what the bottle held and removes its state folder: the last step of a delete.
struct Forget {};

using Action = std::variant<ImportPauseImage, CreateVolume, RemoveVolume, CreateNetwork, RemoveNetwork, CreateContainer,
                            ConnectNetwork, DisconnectNetwork, StartContainer, RemoveContainer, RemoveImage, CopyImage, MakeSocketFolder, ClaimUid,
                            CreateMachine, UpdateMachine, SetAllowlist, InstallFirewall, RemoveFirewall, StartMachine, StopMachine, PauseMachine,
                            ResumeMachine, DeleteMachine, SealMachine, Prove, Provision, Launch, GrantSecret, RevokeSecret, Forget>;

/// What a step costs the user.
enum class Cost { Nothing, Restart, Data };

struct Step {
    std::string id;        ///< stable within a plan: "create container bottle-docs-infra"
    char symbol = '+';     ///< + made, - removed, ~ changed, > set going, ! stopped, ? asked
    std::string kind;      ///< network, container, machine, allowlist, …: the second column
    std::string resource;  ///< the thing's name: the third
    std::string detail;    ///< what it will be: the fourth
    std::string cause;     ///< why, in words: the last
    Cost cost = Cost::Nothing;
    std::vector<std::string> after;  ///< ids of steps that come first
    std::string part_of;             ///< id of the step whose printed line stands for this one too; empty: a line of its own
    Action action;
};

}  // namespace bottle
