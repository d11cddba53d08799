#pragma once

#include "controllers/host/preflight.h"
#include "reconciler/observed.h"

#include <string>
#include <vector>

// Docker's JSON (API 1.41) as our plain values. Every function throws Error{Exit::Failed} for a text of another shape, naming the key.
namespace bottle {

std::vector<ObservedNetwork> decode_networks(const std::string& json);

/// What `GET /containers/json` says: enough to decide which containers to inspect.
struct ContainerSummary {
    std::string id;
    std::string name;
    Labels labels;
    std::vector<std::string> networks;  ///< names
};
std::vector<ContainerSummary> decode_container_list(const std::string& json);

/// One inspected container. Ids of networks and of a joined container stay ids: the controller, which has the lists, names them.
/// Settings that are not modelled and not at Docker's default go to `extras`.
ObservedContainer decode_container(const std::string& json);

/// What an inspected container asks to be published, running or not.
std::vector<PublishedPort> decode_published(const std::string& json);

/// Who sits on an inspected network.
std::vector<Endpoint> decode_endpoints(const std::string& json);
Image decode_image(const std::string& json);
std::vector<Volume> decode_volumes(const std::string& json);

/// Facts of `GET /info`.
struct EngineInfo {
    bool rootless = false;
    bool desktop = false;
    DockerHost host;
};
EngineInfo decode_info(const std::string& json);

}  // namespace bottle
