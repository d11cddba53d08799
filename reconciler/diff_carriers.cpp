#include "reconciler/address.h"
#include "reconciler/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace bottle {
namespace {

std::optional<Subnet> subnet_of(const Network& network) {
    if (network.ipam.empty()) return std::nullopt;
    return parse_subnet(network.ipam.front().substr(0, network.ipam.front().find(' ')));
}

bool is_inside(const std::string& destination, const Subnet& subnet) {
    const auto inner = parse_subnet(destination);
    return inner && inner->prefix >= subnet.prefix && subnet.contains(inner->base);
}

bool is_bridge_of(const std::string& interface, const Network& want, const DockerView& view) {
    return std::any_of(view.networks.begin(), view.networks.end(),
                       [&](const ObservedNetwork& network) { return network.is.name == want.name && interface == bridge_of(network); });
}

Change shared_subnet(const Network& want, const Subnet& subnet, const Carrier& carrier) {
    Change change;
    change.what = Change::What::Shared;
    change.kind = "network";
    change.name = want.name;
    change.reach = Reach::Wider;
    const auto who = carrier.interface.empty() ? "a route without an interface" : "interface " + printable(carrier.interface);
    const auto all = format_subnet(subnet);
    const auto what = carrier.destination == all ? "its subnet " + all : fmt::format("{} of its subnet {}", carrier.destination, all);
    change.cause = fmt::format("{} also carries {}: what is meant for the bundle may go there (a second Docker engine, or a route made by hand)", who, what);
    change.hint = fmt::format("ip route show table all root {0}; ip address show to {0}   show it; remove it, then apply again", all);
    return change;
}

}  // namespace

std::string bridge_of(const ObservedNetwork& network) {
    return "br-" + network.id.substr(0, 12);
}

std::vector<Change> diff_carriers(const Desired& desired, const DockerView& view, const std::vector<Carrier>& carriers) {
    std::vector<Change> changes;
    for (const auto& want : desired.networks) {
        const auto subnet = subnet_of(want);
        if (!subnet) continue;
        const auto foreign = std::find_if(carriers.begin(), carriers.end(), [&](const Carrier& carrier) {
            return is_inside(carrier.destination, *subnet) && !is_bridge_of(carrier.interface, want, view);
        });
        if (foreign != carriers.end()) changes.push_back(shared_subnet(want, *subnet, *foreign));
    }
    return changes;
}

}  // namespace bottle
