#include "reconciler/explain.h"

#include "reconciler/firewall.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

/// What the evidence of these kinds comes to, of a machine that runs.
Enforcement enforcement(std::string by, std::string text, const std::vector<EvidenceKind>& kinds, const std::vector<Evidence>& all, bool running) {
    Enforcement made{std::move(by), true, std::nullopt, std::move(text), {}};
    if (!running) return made;
    std::vector<Evidence> evidence;
    std::copy_if(all.begin(), all.end(), std::back_inserter(evidence), [&](const Evidence& e) { return std::find(kinds.begin(), kinds.end(), e.kind) != kinds.end(); });
    made.verdict = judge(kinds, evidence);
    made.doubt = first_doubt(evidence);
    return made;
}

/// What each of them holds the guest to, in words.
struct Words {
    std::string smolvm;
    std::string names;
    std::string network;
};

Words words_of(const Desired& desired) {
    const auto& network = desired.networks.front().name;
    if (desired.machine.socket) {
        return {fmt::format("the machine has no network; of the host it has {} alone, behind which infra passes everything on to the proxy", desired.machine.socket->host_path),
                "without a network no name is asked for", fmt::format("{} is internal and has only the bundle on it; only infra writes where the socket is", network)};
    }
    if (desired.machine.tsi) {
        return {fmt::format("the guest's sockets are the host's own (TSI), and smolvm lets them reach {}, every port of it; its makers say that it did not, so only what the guest "
                            "tried tells, and nothing on the host logs a refusal",
                            desired.machine.allowed_cidr),
                "no name server is in the list",
                fmt::format("{} is this bottle's alone of this host's loopback: on it infra's ports are published, and nobody else of this host answers there", desired.dialled)};
    }
    return {fmt::format("its network device (virtio-net) lets the guest reach {}, every port of it, and nothing else", desired.machine.allowed_cidr),
            "DNS is closed: smolvm answers for no name",
            fmt::format("{} is internal, has only the bundle on it, and the host's route to {} leads there", network, desired.bundle_address)};
}

std::vector<Enforcement> enforced(const Desired& desired, const Snapshot& snapshot, bool running) {
    using enum EvidenceKind;
    const auto evidence = all_evidence(desired, snapshot, diff_host(desired, snapshot));
    auto words = words_of(desired);
    std::vector<Enforcement> all = {
        enforcement("smolvm", std::move(words.smolvm), {Row, Process, Config, Guest}, evidence, running),
        enforcement("names", std::move(words.names), {Row, Config, Guest}, evidence, running),
        enforcement("network", std::move(words.network), {Bundle}, evidence, running),
    };
    if (!desired.firewall) {
        all.push_back({"firewall", false, std::nullopt, desired.no_firewall, {}});
        return all;
    }
    const auto reach = desired.firewall->ports.empty() ? "nothing" : to_text(*desired.firewall) + " and nothing else";
    all.push_back(enforcement("firewall", fmt::format("the host's kernel lets the VMM's uid {} reach {}", desired.firewall->uid, reach), {Firewall}, evidence, running));
    return all;
}

}  // namespace

Explanation explain(const Manifest& manifest, const HostPolicy& policy, const Desired& desired, const Snapshot& snapshot) {
    Explanation explanation;
    explanation.bottle = manifest.name;
    explanation.place = manifest.place;
    explanation.asked = manifest.network;
    explanation.choice = choose_network_mode(manifest.network, policy, snapshot.host);
    explanation.address = desired.dialled;
    if (desired.machine.socket) explanation.socket = desired.machine.socket->host_path;
    explanation.held = snapshot.stored.present() && snapshot.stored->allocation == desired.allocation;
    explanation.ports = desired.ports;
    explanation.running = life_of(snapshot.machine) != Life::Dead;
    if (explanation.choice.problems.empty()) explanation.enforced_by = enforced(desired, snapshot, explanation.running);
    return explanation;
}

}  // namespace bottle
