#pragma once

#include "manifests/host_policy.h"

#include <string>
#include <vector>

namespace bottle {

/// "K=V": the variables with which `smolvm`, called by hand, works on one bottle's state folder: HOME, the XDG folders and, where there is a smolvm
/// (`choose_smolvm`), its libraries and root file system. Not PATH: that is the caller's. Touches nothing.
std::vector<std::string> hand_environment(const std::string& state_folder, const std::string& bottle, const SmolvmPolicy& policy, const std::string& path);

}  // namespace bottle
