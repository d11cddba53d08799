#pragma once

#include "controllers/docker/docker_controller.h"
#include "controllers/firewall/firewall_controller.h"
#include "controllers/guest/exec.h"
#include "controllers/guest/guest_controller.h"
#include "controllers/guest/workload_hold.h"
#include "controllers/guest/workload_record.h"
#include "controllers/host/secret_reader.h"
#include "controllers/machine/machine_controller.h"
#include "controllers/state/state_store.h"
#include "reconciler/world.h"

#include <memory>
#include <string>

namespace bottle {

/// Where our own things are.
struct StatePlace {
    std::string folder;      ///< $XDG_STATE_HOME/bottle
    std::string owner_file;  ///< the owner's id
    std::string uid_registry;  ///< the uids that bottles of this host hold

    std::string bottle_folder(const std::string& bottle) const { return folder + "/bottles/" + bottle; }
    /// By our key, made where it is missing and `make_key` is set.
    KeyedDigest keyed_digest(bool make_key) const;
};

/// The outside of one bottle: asks each controller, and hands each step to its owner, with the intent in the journal before and the result after.
class BottleWorld : public Observer, public Executor {
public:
    BottleWorld(std::string bottle, const StatePlace& place, StateStore& store, Engine& engine, std::optional<Smolvm> smolvm, ProcessRunner& runner,
                SecretReader& secrets);

    Snapshot observe(const Scope& scope) override;
    Outcome execute(const Step& step, const Desired& desired, const Snapshot& snapshot) override;

    /// Mode socket: what forwards the guest's port to the mounted socket is started again where it died. For what runs in the guest next; of no step.
    Outcome stand_forwarder(const Desired& desired);

    /// The agent's command in the foreground, held by this process, with the intent in the journal before it. Returns its exit code.
    /// Throws Error{Exit::Failed} where it cannot be launched, or another process holds it.
    int run_workload(const Desired& desired, const Snapshot& snapshot, ForegroundCommand terminal, const Attendance& attendance);

    DockerController& docker() { return docker_; }
    MachineController& machine() { return machine_; }
    FirewallController& firewall() { return firewall_; }

private:
    Outcome act(const Action& action, const Desired& desired, const Snapshot& snapshot);
    Outcome copy_image(const CopyImage& action);
    Outcome create(const CreateMachine& action);
    Outcome start_container(const StartContainer& action, const Desired& desired, const DockerView& view);
    Outcome await_socket(const Desired& desired);
    Outcome start(const Desired& desired, const Snapshot& snapshot);
    Outcome stop();
    Outcome prove(const Desired& desired, const Snapshot& snapshot);
    Outcome provision(const Provision& action, const Desired& desired, const Snapshot& snapshot);
    Outcome launch_workload(const Launch& action, const Desired& desired, const Snapshot& snapshot);
    Outcome place_secrets(const Workload& workload, KeeperRequest& keeper);
    Outcome record_grant(const GrantSecret& action, const Snapshot& snapshot);
    Outcome record_grant(const RevokeSecret& action, const Snapshot& snapshot);
    Outcome held(WorkloadHold& hold, const KeeperRequest& request);
    KeeperRequest keeper_request(const Workload& workload, const Desired& desired, const VmmProcess& vmm) const;
    Outcome forget();
    GuestScope guest_scope() const;
    /// Ours alone: what goes into the guest stands there while it is copied.
    std::string scratch_folder() const;
    static AgentFiles read_agent_files(const AgentCopy& copy);
    static Observation<std::string> digest_of(const AgentCopy& copy);
    Surroundings surroundings(const Desired& desired, const Snapshot& snapshot) const;
    SmolvmInvocation invocation() const;
    /// Null unless exactly one runs.
    static const VmmProcess* only_vmm(const Snapshot& snapshot);
    std::vector<Holdings> other_holdings(const StoredState& stored);

    std::string bottle_;
    const StatePlace& place_;
    StateStore& store_;
    ProcessRunner& runner_;
    SecretReader& secrets_;
    DockerController docker_;
    MachineController machine_;
    FirewallController firewall_;
    GuestController guest_;
};

}  // namespace bottle
