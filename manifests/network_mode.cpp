#include "manifests/network_mode.h"

#include <fmt/format.h>

namespace bottle {

const char* name_of(NetworkMode mode) {
    switch (mode) {
        case NetworkMode::Bridge: return "bridge";
        case NetworkMode::Socket: return "socket";
        case NetworkMode::TsiLoopback: return "tsi-loopback";
    }
    return "?";
}

std::optional<NetworkMode> network_mode(const std::string& text) {
    for (const auto mode : {NetworkMode::Bridge, NetworkMode::Socket, NetworkMode::TsiLoopback}) {
        if (text == name_of(mode)) return mode;
    }
    return std::nullopt;
}

std::vector<SocketPortProblem> check_socket_ports(const std::vector<std::string>& names) {
    std::vector<SocketPortProblem> problems;
    bool found = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] != kProxyPort || found) {
            problems.push_back({i, fmt::format("in mode socket the guest has the port {} and no other, so not {}{}", kProxyPort, found && names[i] == kProxyPort ? "a second " : "", names[i]),
                                "leave it out, or network.mode: bridge"});
        } else {
            found = true;
        }
    }
    if (!found) problems.push_back({std::nullopt, fmt::format("mode socket needs a port named {}, and no container has one", kProxyPort), "ports: [{name: proxy, port: 9099}]"});
    return problems;
}

}  // namespace bottle
