#include "reconciler/network_mode.h"

#include <fmt/format.h>

namespace bottle {

ModeChoice choose_network_mode(const NetworkSpec& network, const HostPolicy& policy) {
    if (!network.mode) {
        return {NetworkMode::Bridge,
                "auto is bridge: smolvm's network device enforces a list of one address, which every look reads again; socket has no list to read, and "
                "smolvm's makers say that tsi-loopback did not enforce one",
                {}};
    }
    ModeChoice choice{*network.mode, "the manifest says so", {}};
    if (choice.mode == NetworkMode::TsiLoopback && !policy.network.tsi_loopback) {
        choice.problems.push_back({network.mode_place, "tsi-loopback is off on this host: smolvm's makers say that the versions that have it did not enforce a list",
                                   fmt::format("network.mode: bridge; or, as the host's owner, network: {{tsiLoopback: true}} in {}", policy.file.empty() ? "the host policy" : policy.file), ""});
    } else if (choice.mode == NetworkMode::TsiLoopback) choice.problems.push_back({network.mode_place, fmt::format("{} is not in this version", name_of(choice.mode)), "network.mode: bridge", ""});
    return choice;
}

}  // namespace bottle
