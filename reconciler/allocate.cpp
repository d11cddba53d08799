#include "reconciler/allocate.h"

#include "reconciler/address.h"
#include "reconciler/alias.h"
#include "reconciler/desired.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

std::string first_word(const std::string& text) {
    return text.substr(0, text.find(' '));
}

/// Subnets that are taken by others than `bottle`.
std::vector<Subnet> taken_subnets(const std::string& bottle, const Snapshot& snapshot) {
    std::vector<Subnet> taken;
    std::set<std::string> own;
    const auto add = [&taken](const std::string& text) {
        if (const auto subnet = parse_subnet(text)) taken.push_back(*subnet);
    };
    for (const auto& network : snapshot.docker->networks) {
        const bool ours = network.is.name == network_name(bottle) || network.is.name == external_network_name(bottle);
        for (const auto& pool : network.is.ipam) {
            if (ours) own.insert(first_word(pool));
            else add(first_word(pool));
        }
    }
    for (const auto& route : snapshot.host.routes) {
        if (!own.contains(route)) add(route);
    }
    for (const auto& [name, allocation] : snapshot.stored->other_allocations) {
        add(allocation.internal_subnet);
        add(allocation.external_subnet);
    }
    return taken;
}

bool is_free(const Subnet& subnet, const std::vector<Subnet>& taken) {
    return std::none_of(taken.begin(), taken.end(), [&](const Subnet& other) { return overlap(subnet, other); });
}

std::optional<std::string> lowest_free(const std::string& pool_text, const std::vector<Subnet>& taken) {
    const auto pool = parse_subnet(pool_text);
    if (!pool || pool->prefix > kSubnetPrefix) return std::nullopt;
    for (std::uint64_t offset = 0; offset < pool->size(); offset += std::uint64_t{1} << (32 - kSubnetPrefix)) {
        const Subnet candidate{pool->at(static_cast<std::uint32_t>(offset)), kSubnetPrefix};
        if (is_free(candidate, taken)) return format_subnet(candidate);
    }
    return std::nullopt;
}

bool network_exists(const Snapshot& snapshot, const std::string& name) {
    const auto& networks = snapshot.docker->networks;
    return std::any_of(networks.begin(), networks.end(), [&](const ObservedNetwork& n) { return n.is.name == name; });
}

/// Nothing refers to the held addresses yet: no network of ours, no row that names them.
bool nothing_built(const std::string& bottle, const Snapshot& snapshot) {
    return !network_exists(snapshot, network_name(bottle)) && !network_exists(snapshot, external_network_name(bottle)) &&
           snapshot.machine.row.absent();
}

bool still_free(const std::string& subnet, const std::vector<Subnet>& taken) {
    const auto parsed = parse_subnet(subnet);
    return subnet.empty() || (parsed && is_free(*parsed, taken));
}

}  // namespace

std::variant<Allocation, std::string> allocate(const Manifest& manifest, const Pools& pools, const Snapshot& snapshot) {
    const auto& bottle = manifest.name;
    if (snapshot.stored.unknown()) return snapshot.stored.why();
    if (!snapshot.docker.present()) return snapshot.docker.unknown() ? snapshot.docker.why() : "Docker is not there";
    auto taken = taken_subnets(bottle, snapshot);

    Allocation result;
    if (const auto& held = snapshot.stored->allocation) {
        result = *held;
        const bool stands = still_free(held->internal_subnet, taken) && still_free(held->external_subnet, taken);
        if (!stands && nothing_built(bottle, snapshot)) {
            result.internal_subnet.clear();
            result.external_subnet.clear();
        }
        if (snapshot.host.taken_uids.contains(held->vmm_uid) && nothing_built(bottle, snapshot)) result.vmm_uid = 0;
        const bool others = alias_holders(bottle, *snapshot.docker, *snapshot.stored).contains(held->alias);
        if (others && nothing_built(bottle, snapshot)) result.alias.clear();
    }
    if (result.internal_subnet.empty()) {
        const auto subnet = lowest_free(pools.internal, taken);
        if (!subnet) return fmt::format("no free /{} is left in the pool {} for internal networks", kSubnetPrefix, pools.internal);
        result.internal_subnet = *subnet;
    }
    taken.push_back(*parse_subnet(result.internal_subnet));
    if (manifest.bundle.external_network && result.external_subnet.empty()) {
        const auto subnet = lowest_free(pools.external, taken);
        if (!subnet) return fmt::format("no free /{} is left in the pool {} for external networks", kSubnetPrefix, pools.external);
        result.external_subnet = *subnet;
    }
    if (manifest.network.mode == NetworkMode::TsiLoopback && result.alias.empty()) {
        std::string problem;
        const auto alias = lowest_alias(bottle, *snapshot.docker, *snapshot.stored, problem);
        if (!alias) return problem;
        result.alias = *alias;
    }
    if (result.vmm_uid == 0 && snapshot.host.euid == 0) {
        auto used = snapshot.host.taken_uids;
        for (const auto& [name, allocation] : snapshot.stored->other_allocations) used.insert(allocation.vmm_uid);
        for (auto uid = pools.first_uid; uid <= pools.last_uid && result.vmm_uid == 0; ++uid) {
            if (!used.contains(uid)) result.vmm_uid = uid;
        }
        if (result.vmm_uid == 0) return fmt::format("no free VMM uid is left from {} to {}", pools.first_uid, pools.last_uid);
    }
    return result;
}

std::int64_t vmm_uid_of(const Allocation& allocation, std::int64_t euid) {
    return allocation.vmm_uid != 0 ? allocation.vmm_uid : euid;
}

std::int64_t infra_uid_of(std::int64_t vmm_uid) {
    const Pools pools;
    return vmm_uid + (pools.last_uid - pools.first_uid + 1);
}

std::string gateway_of(const std::string& subnet) {
    return format_address(parse_subnet(subnet).value().at(1));
}

std::string bundle_address_of(const std::string& subnet) {
    return format_address(parse_subnet(subnet).value().at(2));
}

std::string ip_range_of(const std::string& subnet) {
    const auto whole = parse_subnet(subnet).value();
    const auto half = static_cast<std::uint32_t>(whole.size() / 2);
    return format_subnet({whole.at(half), whole.prefix + 1});
}

}  // namespace bottle
