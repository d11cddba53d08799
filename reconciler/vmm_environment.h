#pragma once

#include "reconciler/observed.h"

#include <string>

namespace bottle {

/// What a VMM's environment holds that one started by bottle does not have, in words and with its consequence; empty if nothing.
/// `binaries`: smolvm and its libraries as they were verified before the start; a library path may lead to their folder only.
std::string environment_doubt(const VmmProcess& vmm, const std::vector<FileIdentity>& binaries);

}  // namespace bottle
