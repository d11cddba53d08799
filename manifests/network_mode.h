#pragma once

#include "manifests/manifest.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// "bridge", "socket", "tsi-loopback": as a manifest says it.
const char* name_of(NetworkMode mode);

/// The reverse. Nothing for "auto", and for any other text.
std::optional<NetworkMode> network_mode(const std::string& text);

/// What of a bundle's ports does not come through the one socket of mode socket, in words.
struct SocketPortProblem {
    std::optional<std::size_t> port;  ///< which of the names; nothing: it is what is not there
    std::string text;
    std::string hint;
};

/// Of the names of all ports of a bundle: mode socket carries the port `proxy`, and no other. Empty: so it is.
std::vector<SocketPortProblem> check_socket_ports(const std::vector<std::string>& names);

}  // namespace bottle
