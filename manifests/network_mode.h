#pragma once

#include "manifests/manifest.h"

#include <optional>
#include <string>

namespace bottle {

/// "bridge", "socket", "tsi-loopback": as a manifest says it.
const char* name_of(NetworkMode mode);

/// The reverse. Nothing for "auto", and for any other text.
std::optional<NetworkMode> network_mode(const std::string& text);

}  // namespace bottle
