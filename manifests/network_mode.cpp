#include "manifests/network_mode.h"

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

}  // namespace bottle
