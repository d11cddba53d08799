#include "reconciler/network_mode.h"

#include <fmt/format.h>

namespace bottle {
namespace {

std::string versions_of(const SmolvmPolicy& policy) {
    std::string all;
    for (const auto& build : policy.accept) all += (all.empty() ? "" : ", ") + build.version;
    return all;
}

std::string where(const HostPolicy& policy) {
    return policy.file.empty() ? "the host policy" : policy.file;
}

/// Opt-in, a version that somebody vouches for, and no root: each by itself is needed.
std::vector<Problem> refuse_tsi(const NetworkSpec& network, const HostPolicy& policy, const HostFacts& host) {
    std::vector<Problem> problems;
    const auto refuse = [&](std::string text, std::string hint) { problems.push_back({network.mode_place, std::move(text), std::move(hint), ""}); };
    if (!policy.network.tsi_loopback) {
        refuse("tsi-loopback is off on this host: smolvm's makers say that the versions that have it did not enforce a list",
               fmt::format("network.mode: bridge; or, as the host's owner, network: {{tsiLoopback: true}} in {}", where(policy)));
    }
    if (policy.smolvm.accept.empty()) {
        refuse("the host policy names no smolvm for tsi-loopback: bottle itself has measured none that has this mode",
               fmt::format("as the host's owner, smolvm: {{accept: [{{version: …, digests: {{…}}}}]}} in {}, of one from 0.8.0 to 1.1.2", where(policy)));
    } else if (host.accepted_smolvm.empty()) {
        refuse(fmt::format("the smolvm on PATH is none that the host policy names for tsi-loopback ({})", versions_of(policy.smolvm)),
               fmt::format("put that one first on PATH; sha256sum tells whether it is the one that {} names", where(policy)));
    }
    if (host.euid == 0) {
        refuse("in mode tsi-loopback the VMM has bottle's own uid, as smolvm gives it no other before 1.2.5, and that is root's: whoever breaks out of the VM is root",
               "run bottle as a user in the groups docker and kvm; or network.mode: bridge");
    }
    return problems;
}

}  // namespace

ModeChoice choose_network_mode(const NetworkSpec& network, const HostPolicy& policy, const HostFacts& host) {
    ModeChoice choice;
    if (network.mode) {
        choice = {*network.mode, "the manifest says so", {}};
    } else {
        choice = {NetworkMode::Bridge,
                  "auto is bridge: smolvm's network device enforces a list of one address, which every look reads again; socket has no list to read, and "
                  "smolvm's makers say that tsi-loopback did not enforce one",
                  {}};
    }
    if (choice.mode == NetworkMode::TsiLoopback) {
        choice.problems = refuse_tsi(network, policy, host);
    } else if (!host.accepted_smolvm.empty()) {
        choice.problems.push_back({network.mode_place, fmt::format("smolvm {}, which the host policy names, runs mode tsi-loopback and no other", host.accepted_smolvm),
                                   "put a smolvm that bottle knows first on PATH: bottle version   says which", ""});
    }
    return choice;
}

}  // namespace bottle
