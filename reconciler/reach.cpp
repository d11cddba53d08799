#include "reconciler/reach.h"

#include "reconciler/address.h"
#include "reconciler/firewall.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace bottle {
namespace {

/// What one kind of evidence says now of the layer that rests on it; nothing where no machine runs.
Layer layer_of(std::string by, bool lets_through, std::string rule, const std::string& wall, const Explanation& explanation) {
    Layer layer{std::move(by), lets_through, std::move(rule), std::nullopt, {}};
    const auto& all = explanation.enforced_by;
    const auto found = std::find_if(all.begin(), all.end(), [&](const Enforcement& e) { return e.by == wall; });
    if (found == all.end()) return layer;
    layer.verdict = found->verdict;
    if (layer.verdict && *layer.verdict != Verdict::Holds) layer.doubt = found->doubt;
    return layer;
}

const BundlePort* declared_port(const Desired& desired, int port) {
    const auto found = std::find_if(desired.ports.begin(), desired.ports.end(), [&](const BundlePort& p) { return p.port == port; });
    return found == desired.ports.end() ? nullptr : &*found;
}

bool is_loopback(const Target& target) {
    if (target.kind == Target::Kind::Ipv6) return target.host == "::1";
    if (target.kind == Target::Kind::Name) return target.host == "localhost" || target.host.ends_with(".localhost");
    constexpr const char* kLoopback = "127.0.0.0/8";
    return parse_subnet(kLoopback)->contains(*parse_address(target.host));
}

bool is_bundle(const Desired& desired, const Target& target) {
    return target.kind == Target::Kind::Ipv4 && !desired.dialled.empty() && target.host == desired.dialled;
}

Layer list_layer(const Desired& desired, const Target& target, const Explanation& e) {
    const auto& list = desired.machine.allowed_cidr;
    if (is_bundle(desired, target)) return layer_of("list", true, fmt::format("smolvm's list is {}: every port of it", list), "smolvm", e);
    // On TSI the guest's kernel tries its own loopback, and then the host's.
    const char* first = desired.machine.tsi && is_loopback(target) ? "; what listens in the guest itself answers first" : "";
    if (target.kind == Target::Kind::Ipv6) return layer_of("list", false, fmt::format("smolvm's list is {}, and no IPv6 address is in it{}", list, first), "smolvm", e);
    return layer_of("list", false, fmt::format("smolvm's list is {}, and {} is not in it{}", list, target.host, first), "smolvm", e);
}

/// Nothing where no firewall is used.
std::optional<Layer> firewall_layer(const Desired& desired, const Target& target, const Explanation& e) {
    if (!desired.firewall) return std::nullopt;
    const auto& rules = *desired.firewall;
    const bool port = std::find(rules.ports.begin(), rules.ports.end(), target.port) != rules.ports.end();
    const bool through = target.host == rules.address && port;
    const auto reach = rules.ports.empty() ? std::string("nothing") : to_text(rules) + (through ? "" : " and nothing else");
    return layer_of("firewall", through, fmt::format("the VMM's uid {} reaches {}", rules.uid, reach), "firewall", e);
}

std::vector<Layer> without_network(const Desired& desired, const Target& target, const Explanation& e) {
    if (target.kind == Target::Kind::Name) return {layer_of("names", false, "the machine has no network: no name is answered", "names", e)};
    std::vector<Layer> layers = {layer_of("no network", false, fmt::format("the machine has none: it has no route to {}", target.host), "smolvm", e)};
    if (auto wall = firewall_layer(desired, target, e)) layers.push_back(std::move(*wall));
    return layers;
}

std::vector<Layer> with_network(const Desired& desired, const Target& target, const Explanation& e) {
    if (target.kind == Target::Kind::Name && !is_loopback(target)) {
        const char* why = desired.machine.tsi ? "no name server is in smolvm's list" : "smolvm answers for no name";
        return {layer_of("names", false, fmt::format("{}, so that {} has no address", why, target.host), "names", e)};
    }
    std::vector<Layer> layers = {list_layer(desired, target, e)};
    if (auto wall = firewall_layer(desired, target, e)) layers.push_back(std::move(*wall));
    if (is_bundle(desired, target)) {
        const auto* port = declared_port(desired, target.port);
        layers.push_back(layer_of("network", true, port != nullptr ? fmt::format("port {} of container {} answers there", port->name, port->container)
                                                                  : fmt::format("no container declares port {}: what listens there answers", target.port), "network", e));
    }
    return layers;
}

/// In the guest, and beyond it where the forwarder stands.
std::vector<Layer> in_guest(const Desired& desired, const Target& target, const Explanation& e) {
    const auto* port = declared_port(desired, target.port);
    const bool forwarded = desired.machine.socket && port != nullptr && port->name == kProxyPort && target.host == "127.0.0.1";
    if (!forwarded) return {layer_of("guest", true, fmt::format("{} is the guest's own: what listens in the guest answers", target.host), "", e)};
    return {layer_of("socket", true, fmt::format("bottle's forwarder passes it on through {} to port {} of container {}", desired.machine.socket->host_path, port->name, port->container),
                     "network", e)};
}

Reached::End end_of(const std::vector<Layer>& layers) {
    bool stopped = false;
    for (const auto& layer : layers) {
        if (layer.lets_through) continue;
        stopped = true;
        if (!layer.verdict || *layer.verdict == Verdict::Holds) return Reached::End::Stopped;
    }
    return stopped ? Reached::End::Doubtful : Reached::End::LetThrough;
}

std::string way_out(const Desired& desired, const Target& target) {
    const auto found = std::find_if(desired.ports.begin(), desired.ports.end(), [](const BundlePort& p) { return p.name == kProxyPort; });
    if (found == desired.ports.end() || is_bundle(desired, target)) return {};
    return fmt::format("by the proxy, which the guest finds in HTTPS_PROXY: whether it lets {} through is for container {} to say", target.host, found->container);
}

std::optional<int> parse_port(const std::string& text) {
    constexpr int kHighest = 65535;
    if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string::npos || text.front() == '0') return std::nullopt;
    const int port = std::stoi(text);
    return port <= kHighest ? std::optional(port) : std::nullopt;
}

/// In RFC 5952's text.
std::optional<std::string> canonical_ipv6(const std::string& text) {
    in6_addr address{};
    if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
    std::string made(INET6_ADDRSTRLEN, '\0');
    inet_ntop(AF_INET6, &address, made.data(), static_cast<socklen_t>(made.size()));
    made.resize(made.find('\0'));
    return made;
}

/// Letters, digits, '-' and '.', and not all digits and dots: those are an address, written wrongly.
bool is_host_name(const std::string& text) {
    constexpr std::size_t kLongest = 253;
    if (text.empty() || text.size() > kLongest || text.find_first_not_of("0123456789.") == std::string::npos) return false;
    return text.front() != '-' && text.front() != '.' && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == std::string::npos;
}

}  // namespace

std::variant<Target, std::string> parse_target(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return "a port is missing";
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return "its port is none from 1 to 65535";
    auto host = text.substr(0, colon);
    if (host.starts_with("[") && host.ends_with("]")) {
        const auto inner = host.substr(1, host.size() - 2);
        const auto address = canonical_ipv6(inner);
        if (!address) return "what stands between [ and ] is no IPv6 address";
        // The same place by another door.
        if (address->starts_with(kMappedPrefix) && parse_address(address->substr(kMappedPrefix.size()))) return Target{address->substr(kMappedPrefix.size()), *port, Target::Kind::Ipv4};
        return Target{*address, *port, Target::Kind::Ipv6};
    }
    if (host.find(':') != std::string::npos) return "an IPv6 address stands between [ and ]";
    if (parse_address(host)) return Target{host, *port, Target::Kind::Ipv4};
    std::transform(host.begin(), host.end(), host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (host.ends_with(".")) host.pop_back();
    if (!is_host_name(host)) return "its address is neither an IPv4 address in its plain text (10.231.0.2) nor a name";
    return Target{host, *port, Target::Kind::Name};
}

Reached reach_of(const Manifest& manifest, const HostPolicy& policy, const Desired& desired, const Snapshot& snapshot, const Target& target) {
    const auto explanation = explain(manifest, policy, desired, snapshot);
    Reached reach;
    reach.bottle = manifest.name;
    reach.place = manifest.place;
    reach.target = target;
    if (!explanation.choice.problems.empty()) return reach;
    if (is_loopback(target) && !desired.machine.tsi) {
        reach.layers = in_guest(desired, target, explanation);
        reach.end = reach.layers.front().by == "guest" ? Reached::End::InGuest : Reached::End::LetThrough;
        return reach;
    }
    reach.layers = desired.machine.socket ? without_network(desired, target, explanation) : with_network(desired, target, explanation);
    reach.end = end_of(reach.layers);
    if (reach.end != Reached::End::LetThrough) reach.way_out = way_out(desired, target);
    return reach;
}

}  // namespace bottle
