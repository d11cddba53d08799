#pragma once

#include "reconciler/desired.h"
#include "reconciler/observed.h"

#include <string>
#include <vector>

namespace bottle {

/// What a difference means for the confinement of a running machine.
enum class Reach {
    Same,   ///< nothing more can be reached because of it
    Wider,  ///< more can be reached, or it cannot be told: the machine must not run
};

/// One difference between desired and observed, in words.
struct Change {
    enum class What {
        Missing,
        Differs,     ///< of ours, with another setting: made anew
        NotRunning,
        Stale,       ///< a joined container older than infra's start: it sits in a dead network namespace
        Detached,    ///< infra is not on a network that it shall be on
        Stranger,    ///< an endpoint of somebody else on our network, or ours on somebody else's
        Unwanted,    ///< carries our labels for this bottle and is in no manifest
        Orphan,      ///< has our labels, but another owner or state folder made it
        Unmanaged,   ///< has our name and no label of ours: never touched
    };
    What what = What::Missing;
    std::string kind;      ///< network, container, volume
    std::string name;
    std::string id;        ///< Docker's, where the thing exists
    std::string field;     ///< Differs: which
    std::string cause;     ///< in plain words, with its consequence
    Reach reach = Reach::Same;
    std::string network;       ///< Detached: its name
    std::string network_id;    ///< Stranger, Detached; empty when that network is not there
    std::string container_id;  ///< Stranger: whose endpoint

    bool operator==(const Change&) const = default;
};

/// Networks, containers and volumes against the view. Only call with a view that is present.
std::vector<Change> diff_docker(const Desired& desired, const DockerView& view);

/// Everything that differs between two configurations, one Change a field. `name` and `id` are put into each.
std::vector<Change> diff_container(const Container& want, const Container& is, const std::string& id);
std::vector<Change> diff_network(const Network& want, const Network& is, const std::string& id);

/// Objects in the view that belong to this bottle: for a delete, when there may be no manifest any more.
bool is_ours(const Labels& labels, const std::string& bottle, const HostFacts& host);
/// Has our full label set for this bottle, made by another owner or from another state folder.
bool is_orphan(const Labels& labels, const std::string& bottle, const HostFacts& host);

}  // namespace bottle
