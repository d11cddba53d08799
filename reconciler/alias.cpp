#include "reconciler/alias.h"

#include "manifests/error.h"
#include "reconciler/address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bottle {
namespace {

constexpr Address kFirst = 0x7f000010;
constexpr Address kLast = 0x7f00001f;

/// "127.0.0.16" of "::ffff:127.0.0.16", too; every other text as it is.
std::string without_mapping(const std::string& address) {
    return address.rfind(kMappedPrefix, 0) == 0 ? address.substr(kMappedPrefix.size()) : address;
}

const ObservedContainer* infra_of(const Desired& desired, const DockerView& view) {
    const auto found = std::find_if(view.containers.begin(), view.containers.end(), [&](const ObservedContainer& c) { return c.is.name == desired.containers.front().name; });
    return found == view.containers.end() ? nullptr : &*found;
}

bool is_bundle_port(const Desired& desired, const HostSocket& socket) {
    return socket.protocol == "tcp" && socket.address == desired.dialled &&
           std::any_of(desired.ports.begin(), desired.ports.end(), [&](const BundlePort& port) { return port.port == socket.port; });
}

/// What infra publishes beside what it shall is its own difference, and is made right.
bool is_published(const ObservedContainer* infra, const HostSocket& socket) {
    if (infra == nullptr || socket.protocol != "tcp") return false;
    const auto place = fmt::format("/tcp -> {}:{}", socket.address, socket.port);
    return std::any_of(infra->live_ports.begin(), infra->live_ports.end(), [&](const std::string& port) { return port.ends_with(place); });
}

bool answers_on(const std::string& alias, const HostSocket& socket) {
    constexpr int kFirstClientPort = 32'768;
    if (socket.protocol == "udp" && socket.port >= kFirstClientPort) return false;
    return socket.address == "0.0.0.0" || socket.address == "::" || without_mapping(socket.address) == alias;
}

std::string text_of(const HostSocket& socket) {
    const bool six = socket.address.find(':') != std::string::npos;
    const auto address = printable(socket.address);
    return fmt::format("{} {}:{}", socket.protocol, six ? "[" + address + "]" : address, socket.port);
}

/// What only a human can take away.
Change shared(const char* kind, std::string name) {
    Change change;
    change.what = Change::What::Shared;
    change.kind = kind;
    change.name = std::move(name);
    change.reach = Reach::Wider;
    return change;
}

std::string listed(const std::vector<std::string>& ports) {
    return ports.empty() ? "nothing" : fmt::format("{}", fmt::join(ports, ", "));
}

}  // namespace

bool is_alias(const std::string& address) {
    const auto parsed = parse_address(address);
    return parsed && *parsed >= kFirst && *parsed <= kLast;
}

std::map<std::string, std::string> alias_holders(const std::string& bottle, const DockerView& view, const StoredState& stored) {
    std::map<std::string, std::string> holders;
    for (const auto& port : view.published) {
        const auto address = without_mapping(port.address);
        if (is_alias(address) && port.container_name != container_name(bottle, kInfra)) holders[address] = "container " + printable(port.container_name);
    }
    for (const auto& [name, allocation] : stored.other_allocations) {
        if (!allocation.alias.empty()) holders[allocation.alias] = "bottle " + printable(name);
    }
    return holders;
}

std::optional<std::string> lowest_alias(const std::string& bottle, const DockerView& view, const StoredState& stored, std::string& problem) {
    const auto holders = alias_holders(bottle, view, stored);
    std::string all;
    for (auto address = kFirst; address <= kLast; ++address) {
        const auto text = format_address(address);
        const auto holder = holders.find(text);
        if (holder == holders.end()) return text;
        all += fmt::format("{}{} by {}", all.empty() ? "" : ", ", text, holder->second);
    }
    problem = fmt::format("no address is left from {} to {} for mode tsi-loopback: {}", format_address(kFirst), format_address(kLast), all);
    return std::nullopt;
}

std::vector<std::string> published_on(const std::string& alias, const std::vector<BundlePort>& ports) {
    std::vector<std::string> all;
    for (const auto& port : ports) all.push_back(fmt::format("{0}/tcp -> {1}:{0}", port.port, alias));
    std::sort(all.begin(), all.end());
    return all;
}

std::vector<Change> diff_alias(const Desired& desired, const Snapshot& snapshot) {
    std::vector<Change> changes;
    if (!desired.machine.tsi) return changes;
    for (const auto& port : snapshot.docker->published) {
        if (without_mapping(port.address) != desired.dialled || port.container_name == desired.containers.front().name) continue;
        auto change = shared("container", printable(port.container_name));
        change.id = port.container_id;
        change.cause = fmt::format("also publishes on {}, port {}: the guest would reach it, or it would take the bundle's place", desired.dialled, port.port);
        change.hint = fmt::format("docker rm {}   or bottle delete {} and apply again, which takes another address", change.name, desired.name);
        changes.push_back(std::move(change));
    }
    if (!snapshot.listeners.present()) return changes;
    const auto* infra = infra_of(desired, *snapshot.docker);
    for (const auto& socket : *snapshot.listeners) {
        if (!answers_on(desired.dialled, socket) || is_bundle_port(desired, socket) || is_published(infra, socket)) continue;
        auto change = shared("bottle", desired.name);
        change.cause = fmt::format("{} of this host answers on {}, too, and smolvm's list has no ports: the guest would reach it", text_of(socket), desired.dialled);
        change.hint = "ss -lntup   shows whose it is: bind it to another address, or network.mode: bridge";
        changes.push_back(std::move(change));
    }
    return changes;
}

Verdict judge_alias(const Desired& desired, const Snapshot& snapshot, std::string& reading) {
    const auto& alias = desired.dialled;
    if (!snapshot.route.present()) {
        reading = snapshot.route.unknown() ? fmt::format("the route to {} could not be read: {}", alias, snapshot.route.why()) : fmt::format("there is no route to {}", alias);
        return Verdict::Unknown;
    }
    if (!snapshot.route->local || snapshot.route->via_gateway) {
        reading = fmt::format("the kernel routes {} to {}: it is not this host's own", alias, snapshot.route->device);
        return Verdict::Fails;
    }
    const auto* infra = infra_of(desired, *snapshot.docker);
    const auto& wanted = desired.containers.front().published_ports;
    if (infra == nullptr || infra->live_ports != wanted) {
        reading = fmt::format("Docker publishes {} of infra, not {}", infra == nullptr ? "nothing" : printable(listed(infra->live_ports)), listed(wanted));
        return Verdict::Fails;
    }
    if (!snapshot.listeners.present()) {
        reading = "who listens on this host could not be read" + (snapshot.listeners.unknown() ? ": " + snapshot.listeners.why() : std::string());
        return Verdict::Unknown;
    }
    const auto& sockets = *snapshot.listeners;
    for (const auto& port : desired.ports) {
        if (std::find(sockets.begin(), sockets.end(), HostSocket{"tcp", alias, port.port}) != sockets.end()) continue;
        reading = fmt::format("nobody listens on {}:{}, where Docker says that it publishes infra", alias, port.port);
        return Verdict::Fails;
    }
    reading = fmt::format("{} is this host's own, and on it nobody answers but infra: {}", alias, listed(wanted));
    return Verdict::Holds;
}

}  // namespace bottle
