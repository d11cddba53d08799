#pragma once

#include "reconciler/desired.h"
#include "reconciler/diff.h"
#include "reconciler/observed.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

// Mode tsi-loopback: the guest's sockets are the host's own (TSI), and its bundle is published on an address of the host's loopback that no other
// bottle has. On Linux the whole of 127.0.0.0/8 is the host's own without being set up.
namespace bottle {

/// Who beside `bottle` has an address of the pool, in words: the other bottles of this state folder, and every container, running or stopped, that
/// publishes there. What other state folders hold shows as their containers. By address.
std::map<std::string, std::string> alias_holders(const std::string& bottle, const DockerView& view, const StoredState& stored);

/// The lowest address that nobody else has. Nothing when there is none: then `problem` says who has them.
std::optional<std::string> lowest_alias(const std::string& bottle, const DockerView& view, const StoredState& stored, std::string& problem);

/// Of 127.0.0.16 to 127.0.0.31, in canonical text.
bool is_alias(const std::string& address);

/// Docker's wording of the bundle's ports on the alias, sorted: "9099/tcp -> 127.0.0.16:9099".
std::vector<std::string> published_on(const std::string& alias, const std::vector<BundlePort>& ports);

/// Containers that publish on the alias beside infra, and sockets of this host that answer on it beside Docker's for infra: smolvm's list has addresses and
/// no ports, so the guest would reach each. Only a human can take one away. Sockets of UDP in the kernel's own range of client ports (32768 and up) come
/// and go, and are not counted. Only call with a Docker that is present.
std::vector<Change> diff_alias(const Desired& desired, const Snapshot& snapshot);

/// Whether the alias is this host's own, and each port is published there by infra, as Docker and the kernel's own table say. `reading`: in words.
Verdict judge_alias(const Desired& desired, const Snapshot& snapshot, std::string& reading);

}  // namespace bottle
