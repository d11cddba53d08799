#pragma once

#include "controllers/docker/container_log.h"
#include "controllers/docker/engine.h"
#include "controllers/host/preflight.h"
#include "reconciler/world.h"

#include <optional>
#include <set>
#include <string>

namespace bottle {

/// Docker's hands and eyes: looks at everything that concerns one bottle, and does one action at a time.
class DockerController {
public:
    explicit DockerController(Engine& engine) : engine_(engine) {}

    /// Two lists, and an inspection of each thing that carries our label or name or sits on our networks. Neither /info nor /version.
    /// Unknown, for the whole view, when any of it could not be seen.
    Observation<DockerView> observe(const Scope& scope);

    // One call each; idempotent where Docker is. Names are resolved by `view`.
    Outcome act(const ImportPauseImage& action, const DockerView& view);
    Outcome act(const CreateVolume& action, const DockerView& view);
    Outcome act(const RemoveVolume& action, const DockerView& view);
    Outcome act(const CreateNetwork& action, const DockerView& view);
    Outcome act(const RemoveNetwork& action, const DockerView& view);
    Outcome act(const CreateContainer& action, const DockerView& view);
    Outcome act(const ConnectNetwork& action, const DockerView& view);
    Outcome act(const DisconnectNetwork& action, const DockerView& view);
    Outcome act(const StartContainer& action, const DockerView& view);
    Outcome act(const RemoveContainer& action, const DockerView& view);
    Outcome act(const RemoveImage& action, const DockerView& view);

    /// Writes the image of that id to `fd`, as `docker save` does. Failed also for more than `cap` bytes, and for what cannot be written.
    Outcome save_image(const std::string& id, int fd, std::uint64_t cap);

    /// For preflight: asks /info, and looks at the process behind the socket.
    PreflightFacts::Docker facts();

    /// For doctor: names of the bottles that containers, networks and volumes with this owner's id and this state folder on them are of.
    Observation<std::set<std::string>> bottles_of(const std::string& owner, const std::string& state_folder);

    /// The host's process id of a running container; 0 when it cannot be told.
    std::int64_t pid_of(const std::string& container_id);
    /// What a container wrote: the last `tail` lines, or all, and only what came at the time `since` or later (container_log.h; empty: whenever).
    /// Throws Error{Exit::Failed}.
    ContainerLog log(const std::string& container, std::optional<int> tail, const std::string& since);

private:
    std::string get(const std::string& path);
    Observation<Image> image(const std::string& reference);
    ObservedContainer container(const std::string& id);
    Outcome outcome(const EngineAnswer& answer, std::initializer_list<int> also_done = {});

    Engine& engine_;
};

}  // namespace bottle
