#pragma once

#include "manifests/host_policy.h"
#include "manifests/manifest.h"
#include "reconciler/converge.h"
#include "reconciler/report.h"

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

/// A bottle that was applied: what its records say.
struct Applied {
    Manifest manifest;
    std::int64_t generation = 0;
};

/// Everything outside, opened once a command: our state folder, Docker, smolvm. Opening reads only; what a command does not need
/// is not touched.
class Session {
public:
    /// `environment` is bottle's own: HOME, XDG_STATE_HOME, XDG_CONFIG_HOME, DOCKER_HOST, PATH. Throws Error{Exit::Usage} for a DOCKER_HOST that is not
    /// local, Error{Exit::Failed} for a state folder that others could have written.
    explicit Session(Environment environment);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The host's policy: $XDG_CONFIG_HOME/bottle/config.yaml, read once. Throws as `read_host_policy` does, as do `look` and `apply`.
    const HostPolicy& policy();

    /// Looks and plans; reads only. An allocation that is not held yet is chosen and not recorded.
    Look look(const Manifest& manifest, const PlanOptions& options);

    /// What keeps this host from running the bottle, gathered only when something has to be done.
    std::vector<Problem> preflight(const Look& look);

    /// Brings the host to the manifest under the bottle's lock. Records the manifest, its generation, and condition transitions.
    ConvergeResult apply(const Manifest& manifest, const ConvergeOptions& options, Clock& clock, Progress& progress);
    /// What `apply` would do to remove it; reads only.
    Plan plan_removal(const std::string& bottle);
    /// Removes it under the bottle's lock, with or without a manifest.
    ConvergeResult remove(const std::string& bottle, const ConvergeOptions& options, Clock& clock, Progress& progress);

    /// Names that our records know, sorted.
    std::vector<std::string> bottles();
    std::optional<Applied> applied(const std::string& bottle);
    /// Since when each condition type has its status, RFC 3339.
    std::map<std::string, std::string> transition_times(const std::string& bottle);

    /// Where our records and every bottle's state are: $XDG_STATE_HOME/bottle.
    const std::string& state_folder() const;

    /// Runs a program in the guest in the foreground, with a terminal when there is one; returns its exit code.
    /// The caller has seen that the bottle is Confined.
    int exec(const Look& look, const std::vector<std::string>& command);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace bottle
