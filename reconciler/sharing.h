#pragma once

#include "manifests/manifest.h"
#include "reconciler/desired.h"
#include "reconciler/observed.h"

#include <string>
#include <vector>

// Two bottles share nothing: no network, address, container, volume, VMM uid, folder or socket, and an image folder only where neither VMM can write it.
namespace bottle {

/// What a bottle holds by its manifest; `folders`: where its machine's things are.
Holdings holdings_of(const Manifest& manifest, const Allocation& allocation, std::set<std::string> folders);
Holdings holdings_of(const Desired& desired, const MachineView& machine);

/// Everything that both hold, each in words ("the VMM uid 2900001"); empty if nothing. The same whichever comes first.
std::vector<std::string> shared_by(const Holdings& one, const Holdings& other);

}  // namespace bottle
