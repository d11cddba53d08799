#pragma once

#include "reconciler/desired.h"
#include "reconciler/observed.h"

#include <string>
#include <vector>

// An agent's prompt and skills: what shall be in the guest of them, and what the last provisioning of it brought there.
namespace bottle {

/// Puts the copies with their digests into `desired`, and what is not there, or cannot be read, into its problems.
void desire_agent_files(const Manifest& manifest, const Snapshot& snapshot, Desired& desired);

/// Why what was copied is not what is wanted, in words, all of it; empty: it is. Of a source that was not read nothing is said.
std::string copies_doubt(const Desired& desired, const StoredState& stored);

/// Targets of the last provisioning that are not wanted any more.
std::vector<std::string> unwanted_copies(const Desired& desired, const StoredState& stored);

}  // namespace bottle
