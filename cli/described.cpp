#include "cli/described.h"

#include "reconciler/firewall.h"

#include <fmt/format.h>

namespace bottle {
namespace {

std::string unknown_docker(const Snapshot& snapshot) {
    return "unknown: " + (snapshot.docker.unknown() ? snapshot.docker.why() : std::string("Docker is not there"));
}

/// "10.231.0.0/29" of "10.231.0.0/29 10.231.0.1 -".
std::string subnet_of(const Network& network) {
    return network.ipam.empty() ? std::string() : network.ipam.front().substr(0, network.ipam.front().find(' '));
}

}  // namespace

std::vector<DescribedNetwork> described_networks(const Desired& desired, const Snapshot& snapshot) {
    std::vector<DescribedNetwork> all;
    for (const auto& network : desired.networks) {
        DescribedNetwork described{network.name, subnet_of(network), network.internal, "absent", {}};
        if (!snapshot.docker.present()) {
            described.state = unknown_docker(snapshot);
        } else if (const auto* seen = find_network(*snapshot.docker, network.name)) {
            described.state = "there";
            if (seen->endpoints.present()) {
                for (const auto& endpoint : *seen->endpoints) described.on_it.push_back(endpoint.container_name);
            }
        }
        all.push_back(std::move(described));
    }
    return all;
}

std::vector<DescribedContainer> described_containers(const Desired& desired, const Snapshot& snapshot) {
    std::vector<DescribedContainer> all;
    for (std::size_t i = 0; i < desired.containers.size(); ++i) {
        const auto& container = desired.containers[i];
        DescribedContainer described{container.name, i < desired.image_refs.size() ? desired.image_refs[i] : container.image_id, "absent", {}, {}};
        if (!snapshot.docker.present()) {
            described.state = unknown_docker(snapshot);
        } else if (const auto* seen = find_container(*snapshot.docker, container.name)) {
            described.state = seen->status;
            if (seen->status == "running") described.started = seen->started_at;
        }
        for (const auto& port : desired.ports) {
            if (container_name(desired.name, port.container) == container.name) described.ports.push_back(fmt::format("{} ({})", port.port, port.name));
        }
        all.push_back(std::move(described));
    }
    return all;
}

DescribedMachine described_machine(const Snapshot& snapshot) {
    const auto& machine = snapshot.machine;
    DescribedMachine described;
    switch (life_of(machine)) {
        case Life::Alive: described.state = is_paused(machine) ? "paused" : "running"; break;
        case Life::Unknown: described.state = "unknown"; break;
        case Life::Dead: described.state = machine.row.absent() ? "absent" : machine.row.unknown() ? "unknown" : "stopped"; break;
    }
    if (machine.processes.present() && machine.processes->size() == 1) {
        described.pid = machine.processes->front().pid;
        described.uid = machine.processes->front().uid;
    }
    return described;
}

std::vector<DescribedEvidence> described_evidence(const Desired& desired, const Snapshot& snapshot) {
    if (life_of(snapshot.machine) == Life::Dead) return {};
    const auto evidence = all_evidence(desired, snapshot, diff_host(desired, snapshot));
    std::vector<DescribedEvidence> all;
    for (const auto kind : desired.required) {
        std::vector<Evidence> of_kind;
        std::copy_if(evidence.begin(), evidence.end(), std::back_inserter(of_kind), [&](const Evidence& e) { return e.kind == kind; });
        all.push_back({name_of(kind), name_of(judge({kind}, of_kind)), of_kind.size(), first_doubt(of_kind)});
    }
    return all;
}

std::string allowlist_text(const Desired& desired) {
    if (desired.machine.socket) return "none: the machine has no network";
    return desired.machine.allowed_cidr + (desired.machine.tsi ? ", no name server in it" : ", names closed");
}

std::string firewall_text(const Desired& desired) {
    if (!desired.firewall) return "none: " + desired.no_firewall;
    if (desired.firewall->ports.empty()) return fmt::format("uid {} reaches nothing", desired.firewall->uid);
    return fmt::format("uid {} to {} only", desired.firewall->uid, to_text(*desired.firewall));
}

}  // namespace bottle
