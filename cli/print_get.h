#pragma once

#include "cli/screen.h"
#include "reconciler/report.h"

#include <map>
#include <string>
#include <vector>

namespace bottle {

/// One bottle as `get` shows it.
struct BottleRow {
    std::string name;
    std::map<std::string, std::string> labels;
    std::string created;  ///< RFC 3339; empty where it is not known
    std::int64_t generation = 0;
    std::vector<Condition> conditions;  ///< Ready and Confined at least
    std::map<std::string, std::string> since;
    std::string mode;            ///< empty where nothing was ever applied to the end
    std::string bundle_address;  ///< empty, as above
    std::string socket;          ///< mode socket: its path on the host
    std::vector<BundlePort> ports;
    Machine machine;
    std::int64_t vmm_uid = 0;
    bool firewall = false;
};

/// Of a bottle that has a manifest.
BottleRow row_of(const Manifest& manifest, std::int64_t generation, const Desired& desired, const Snapshot& snapshot);
/// Of one whose first apply did not come to its end: our records hold addresses for it, and no manifest.
BottleRow row_without_manifest(const std::string& name);

/// NAME READY CONFINED MODE BUNDLE AGE; `wide`: and GENERATION WORKLOAD CPUS MEMORY UID FIREWALL REASON.
std::string get_table(const std::vector<BottleRow>& rows, bool wide, std::int64_t now, const Screen& screen);
/// Format "bottle.get/v1", as JSON and as YAML.
std::string get_json(const std::vector<BottleRow>& rows);
std::string get_yaml(const std::vector<BottleRow>& rows);
/// One name a line.
std::string get_names(const std::vector<BottleRow>& rows);

/// Whether the labels hold every key with its value.
bool selected(const std::map<std::string, std::string>& labels, const std::map<std::string, std::string>& selector);

}  // namespace bottle
