#pragma once

#include <string>
#include <vector>

namespace bottle {

/// "K=V": the variables with which `smolvm`, called by hand, works on one bottle's state folder: HOME, the XDG folders and, where a smolvm is on `path`
/// (as PATH is written), its libraries and root file system. Not PATH: that is the caller's. Touches nothing.
std::vector<std::string> hand_environment(const std::string& state_folder, const std::string& bottle, const std::string& path);

}  // namespace bottle
