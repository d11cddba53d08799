#include "reconciler/wall.h"

#include "reconciler/firewall.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

std::string doubt_of_table(const Observation<std::string>& table, const FirewallRules& rules) {
    if (table.unknown()) return "the firewall could not be read: " + table.why();
    if (table.absent()) return "the firewall is gone";
    const auto difference = compare_firewall(*table, rules);
    return difference.empty() ? std::string() : "the firewall was changed: " + difference;
}

std::string doubt_of_traffic(const FirewallTraffic& before, const FirewallTraffic& after) {
    if (after.accepted <= before.accepted) return "the firewall counted nothing of what the guest sent to its bundle: it does not see this machine";
    // Packets of the machine's uid that the list forbids do not come so far where smolvm holds to it.
    if (after.rejected != before.rejected) return "the firewall refused packets meanwhile: smolvm had let them out";
    return {};
}

std::string doubt_of(const WallReading& reading) {
    if (!reading.rules) return fmt::format("smolvm {} logs no refusals, and no firewall stands", reading.smolvm);
    if (reading.rules->uid != reading.vmm_uid) return fmt::format("the firewall is for uid {}, and the machine runs as uid {}", reading.rules->uid, reading.vmm_uid);
    for (const auto* table : {&reading.before, &reading.after}) {
        if (auto doubt = doubt_of_table(*table, *reading.rules); !doubt.empty()) return doubt;
    }
    const auto before = firewall_traffic(*reading.before);
    const auto after = firewall_traffic(*reading.after);
    if (!before || !after) return "the firewall's counters cannot be read";
    return doubt_of_traffic(*before, *after);
}

}  // namespace

Wall wall_of(const WallReading& reading) {
    Wall wall;
    wall.doubt = doubt_of(reading);
    if (!wall.doubt.empty()) return wall;
    const auto& ports = reading.rules->ports;
    if (std::find(ports.begin(), ports.end(), kDnsPort) != ports.end()) wall.names_doubt = fmt::format("the firewall lets the machine reach port {} of its bundle: names are not shown to be closed", kDnsPort);
    wall.words = fmt::format("the firewall lets the machine reach nothing else and had nothing to refuse (smolvm {} logs no refusals)", reading.smolvm);
    return wall;
}

}  // namespace bottle
