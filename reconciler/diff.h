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
        Shared,      ///< somebody else holds what this bottle alone shall hold: only a human can say whose it is
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
    std::string hint;          ///< Shared: the way out

    bool operator==(const Change&) const = default;
};

/// Networks, containers and volumes against the view. Only call with a view that is present.
std::vector<Change> diff_docker(const Desired& desired, const DockerView& view);

/// Interfaces of this host, beside our own networks' bridges, that carry addresses of ours: a second Docker engine, or a route made by hand. (A route
/// that is wider than our subnet is no such thing: ours goes before it.)
std::vector<Change> diff_carriers(const Desired& desired, const DockerView& view, const std::vector<Carrier>& carriers);

/// Other bottles of this host that hold something of this one's, each as a pair.
std::vector<Change> diff_sharing(const Desired& desired, const Snapshot& snapshot);

/// All of the above for one look; none of Docker's while that could not be read.
std::vector<Change> diff_host(const Desired& desired, const Snapshot& snapshot);
/// "network bottle-docs: …", as it stands in evidence and refusals.
std::string in_words(const Change& change);

/// Everything that differs between two configurations, one Change a field. `name` and `id` are put into each.
std::vector<Change> diff_container(const Container& want, const Container& is, const std::string& id);
std::vector<Change> diff_network(const Network& want, const Network& is, const std::string& id);

/// "sha256:" and the first 12 digits, as Docker's own commands show an id.
std::string short_id(const std::string& image_id);

/// The kernel's name of a bridge that Docker made: "br-" and the first 12 digits of the network's id (20.10).
std::string bridge_of(const ObservedNetwork& network);

/// Objects in the view that belong to this bottle: for a delete, when there may be no manifest any more.
bool is_ours(const Labels& labels, const std::string& bottle, const HostFacts& host);
/// Has our full label set for this bottle, made by another owner or from another state folder.
bool is_orphan(const Labels& labels, const std::string& bottle, const HostFacts& host);

}  // namespace bottle
