#pragma once

#include "reconciler/observed.h"

#include <string>

namespace bottle {

/// Whether what writes a log of the bottle has ended: the agent's command (empty part), the machine ("machine"), or a container. What cannot be read
/// has not: whoever follows goes on. Pure.
bool log_has_ended(const std::string& part, const std::string& bottle, const Snapshot& snapshot);

}  // namespace bottle
