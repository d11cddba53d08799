#pragma once

#include "controllers/guest/exec.h"
#include "controllers/host/doctor.h"
#include "controllers/run_claim.h"
#include "manifests/host_policy.h"
#include "manifests/manifest.h"
#include "reconciler/converge.h"
#include "reconciler/report.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

using Environment = std::map<std::string, std::string>;

/// One look at one bottle, thought through.
struct Look {
    Snapshot snapshot;
    Desired desired;
    Plan plan;
};

/// Whether a look reads the sources of the bottle's secrets: only then a changed value shows, and one that cannot be read is refused.
enum class Secrets { Left, Read };

/// What becomes of a bottle that is deleted.
struct RemovalLook {
    Snapshot snapshot;
    Plan plan;
};

/// Why nothing may be done about what was seen; empty: it may be done. Called under no lock, from the thread that applies.
using Veto = std::function<std::vector<Problem>(const Look&)>;

/// What an apply is held to.
struct ApplyOrder {
    Veto veto;
    /// The veto is asked again under the bottle's lock, and what it was asked of is what is built: no other addresses.
    bool bound = false;
    /// Allocations that other bottles were promised, and do not hold yet.
    std::map<std::string, Allocation> promised;
};

/// A bottle that was applied: what its records say.
struct Applied {
    Manifest manifest;
    std::int64_t generation = 0;
};

/// Everything outside, opened once a command: our state folder, Docker, smolvm. Opening reads only; what a command does not need
/// is not touched.
class Session {
public:
    /// `environment` is bottle's own: HOME, XDG_STATE_HOME, XDG_CONFIG_HOME, DOCKER_HOST, PATH. Throws Error{Exit::Failed} for a state folder that others
    /// could have written. Whatever looks at the host throws Error{Exit::Precondition} for a Docker that is not local.
    explicit Session(Environment environment);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The host's policy: $XDG_CONFIG_HOME/bottle/config.yaml, read once. Throws as `read_host_policy` does, as does all that looks at the host.
    const HostPolicy& policy();
    /// As DOCKER_HOST is written: what the policy says, or else that variable.
    std::string docker_host();

    /// Looks and plans; reads only. An allocation that is not held yet is chosen, from what no other bottle holds or was `promised`, and not recorded.
    Look look(const Manifest& manifest, const PlanOptions& options, Secrets secrets = Secrets::Left, const std::map<std::string, Allocation>& promised = {});

    /// What keeps this host from running the bottle, gathered only when something has to be done.
    std::vector<Problem> preflight(const Look& look);

    /// Brings the host to the manifest under the bottle's lock; a secret is read, but for a proof anew, which needs none. Records the manifest, its generation, and condition transitions.
    /// Where the order's veto forbids it, nothing is done and nothing recorded: Exit::Precondition.
    ConvergeResult apply(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress, const ApplyOrder& order = {});
    /// What `remove` would do; reads only.
    RemovalLook look_at_removal(const std::string& bottle);
    /// Removes it under the bottle's lock, with or without a manifest.
    ConvergeResult remove(const std::string& bottle, const ConvergeOptions& options, Clock& clock, Progress& progress);

    /// What `doctor` thinks about. Reads only, but that a guest of one instruction is run on /dev/kvm.
    DoctorFacts doctor_facts();
    /// Removes what is proved to be ours, has no data, and our records do not know; anything else is left as it is.
    ConvergeResult repair(const Leftover& leftover, const ConvergeOptions& options, Clock& clock, Progress& progress);

    /// Names that our records know, sorted.
    std::vector<std::string> bottles();
    std::optional<Applied> applied(const std::string& bottle);
    /// Since when each condition type has its status, RFC 3339.
    std::map<std::string, std::string> transition_times(const std::string& bottle);

    /// A digest for the texts of one saved plan. `keyed`: with the state folder's key in it, too; throws Error{Exit::Precondition} where there is none.
    KeyedDigest plan_digest(const std::string& salt, bool keyed);
    /// Whether the state folder has a key.
    bool has_digest_key();

    /// Where our records and every bottle's state are: $XDG_STATE_HOME/bottle.
    const std::string& state_folder() const;

    /// Pauses the machine under the bottle's lock, or lets it go on; a machine that lives without its proof is stopped instead. Records condition transitions.
    ConvergeResult pause(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress);
    ConvergeResult resume(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress);
    /// Looks once, and stops the machine where it lives without its proof: Exit::Failed then, with the reason, or Exit::Unsafe. Nothing is done to one that is well.
    ConvergeResult stop_unproved(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress);

    /// Runs a program in the guest in the foreground; returns its exit code. `command`'s user and variables are the bottle's own.
    /// The caller has seen that the bottle is Confined.
    int exec(const Look& look, ForegroundCommand command);
    /// The same of the agent's command, which is then the bottle's workload: recorded as running until it ends, and its exit code after that.
    /// Throws Error{Exit::Failed} where another process holds the workload.
    int run_workload(const Look& look, ForegroundCommand terminal, const Attendance& attendance);

    /// One `bottle run` at a time has a bottle. Throws Error{Exit::Failed} where another has it, and, without `keep`, where the bottle was made by
    /// something else: what a run has made goes with it, and nothing else may.
    RunClaim claim_run(const std::string& bottle, bool keep);

private:
    using HeldPlan = Plan (*)(const Desired&, const Snapshot&, const PlanOptions&);
    ConvergeResult converge_held(const Manifest& manifest, HeldPlan plan, const ConvergeOptions& options, Clock& clock, Progress& progress);

    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace bottle
