#include "reconciler/widening.h"

#include "reconciler/diff.h"
#include "reconciler/network_mode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>

namespace bottle {
namespace {

constexpr const char* kCannotBeTold = "what it lets through to the outside cannot be told";

class Widenings {
public:
    void add(const Place& place, std::string text) { all_.push_back({place.file.empty() ? std::nullopt : std::optional(place), std::move(text), "", ""}); }
    std::vector<Problem> take() && { return std::move(all_); }

private:
    std::vector<Problem> all_;
};

/// The more the larger: one socket; a list that smolvm enforces; a list that was seen not to be enforced.
int openness(NetworkMode mode) {
    switch (mode) {
        case NetworkMode::Socket: return 0;
        case NetworkMode::Bridge: return 1;
        case NetworkMode::TsiLoopback: break;
    }
    return 2;
}

const ContainerSpec* find_spec(const Manifest& manifest, const std::string& name) {
    const auto& all = manifest.bundle.containers;
    const auto found = std::find_if(all.begin(), all.end(), [&](const ContainerSpec& c) { return c.name == name; });
    return found == all.end() ? nullptr : &*found;
}

void widened_mode(const Manifest& was, const Manifest& now, const HostPolicy& policy, const HostFacts& host, Widenings& all) {
    const auto before = choose_network_mode(was.network, policy, host).mode;
    const auto after = choose_network_mode(now.network, policy, host).mode;
    if (openness(after) > openness(before)) all.add(now.network.mode_place, fmt::format("the mode is {}, and was {}", name_of(after), name_of(before)));
}

void widened_firewall(const Manifest& was, const Manifest& now, const Desired& desired, const Snapshot& snapshot, Widenings& all) {
    if (desired.firewall) return;
    const bool switched_off = now.network.firewall == "off" && was.network.firewall != "off";
    const bool stood = snapshot.stored.present() && snapshot.stored->start && snapshot.stored->start->firewalled;
    if (switched_off) all.add(now.network.firewall_place, "the firewall is off: smolvm alone holds the guest to its list");
    else if (stood) all.add(now.network.firewall_place, "the firewall that stood cannot stand any more: " + desired.no_firewall);
}

void widened_ports(const Manifest& was, const Manifest& now, Widenings& all) {
    for (const auto& container : now.bundle.containers) {
        const auto* before = find_spec(was, container.name);
        for (const auto& port : container.ports) {
            const bool known = before != nullptr && std::any_of(before->ports.begin(), before->ports.end(), [&](const PortSpec& p) { return p.port == port.port; });
            if (!known) all.add(container.place, fmt::format("port {} ({}) of container {} is new", port.port, port.name, container.name));
        }
    }
}

/// By the manifest's own words.
std::vector<std::string> changed_parts(const ContainerSpec& was, const ContainerSpec& now) {
    std::vector<std::string> parts;
    const auto compare = [&parts](const char* name, bool same) {
        if (!same) parts.emplace_back(name);
    };
    const auto places = [](const ContainerSpec& c) {
        std::vector<std::pair<std::string, std::string>> all;
        for (const auto& volume : c.volumes) all.emplace_back(volume.name, volume.path);
        return all;
    };
    compare("image", was.image == now.image);
    compare("entrypoint", was.entrypoint == now.entrypoint);
    compare("command", was.command == now.command);
    compare("env", was.env == now.env);
    compare("user", was.user == now.user);
    compare("volumes", places(was) == places(now));
    compare("capabilities", was.capabilities == now.capabilities);
    return parts;
}

/// Another image than runs now, by its id: the manifest may name it as before.
bool image_moved(const std::string& name, const Desired& desired, const Snapshot& snapshot) {
    if (!snapshot.docker.present()) return false;
    const auto* running = find_container(*snapshot.docker, name);
    const auto wanted = std::find_if(desired.containers.begin(), desired.containers.end(), [&](const Container& c) { return c.name == name; });
    if (running == nullptr || wanted == desired.containers.end() || !is_ours(running->is.labels, desired.name, snapshot.host)) return false;
    return running->is.image_id != wanted->image_id;
}

void widened_containers(const Manifest& was, const Manifest& now, const Desired& desired, const Snapshot& snapshot, Widenings& all) {
    for (const auto& container : now.bundle.containers) {
        const auto* before = find_spec(was, container.name);
        if (before == nullptr) {
            all.add(container.place, fmt::format("container {} is new: {}", container.name, kCannotBeTold));
            continue;
        }
        const auto parts = changed_parts(*before, container);
        if (!parts.empty()) all.add(container.place, fmt::format("container {} has another {}: {}", container.name, fmt::join(parts, ", "), kCannotBeTold));
        else if (image_moved(container_name(now.name, container.name), desired, snapshot)) {
            all.add(container.image_place, fmt::format("container {} runs another image than {} is now: {}", container.name, printable(container.image), kCannotBeTold));
        }
    }
}

}  // namespace

std::vector<Problem> widenings(const std::optional<Manifest>& was, const Manifest& now, const HostPolicy& policy, const Desired& desired, const Snapshot& snapshot) {
    Widenings all;
    const bool way_out = now.bundle.external_network;
    if (!was) {
        all.add(now.place, fmt::format("bottle {} is new: its guest comes to reach its bundle{}", now.name, way_out ? ", which has a way out" : ""));
        return std::move(all).take();
    }
    widened_mode(*was, now, policy, snapshot.host, all);
    widened_firewall(*was, now, desired, snapshot, all);
    widened_ports(*was, now, all);
    if (way_out && !was->bundle.external_network) all.add(now.place, "the bundle gets a way out: bundle.externalNetwork was false");
    else if (way_out) widened_containers(*was, now, desired, snapshot, all);
    return std::move(all).take();
}

}  // namespace bottle
