#include "cli/print_get.h"

#include "cli/age.h"
#include "cli/json_parts.h"
#include "manifests/quantity.h"
#include "manifests/yaml_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

std::string or_none(const std::string& text) {
    return text.empty() ? "<none>" : text;
}

/// The workload's condition is not there for a bottle without a manifest.
std::string workload_of(const BottleRow& row) {
    const auto found = std::find_if(row.conditions.begin(), row.conditions.end(), [](const Condition& c) { return c.type == "WorkloadRunning"; });
    return found == row.conditions.end() ? "<none>" : found->reason;
}

void add_wide(const BottleRow& bottle, TableRow& row) {
    const auto& ready = condition(bottle.conditions, "Ready");
    row.push_back({fmt::format("{}", bottle.generation)});
    row.push_back({workload_of(bottle)});
    row.push_back({fmt::format("{}", bottle.machine.cpus)});
    row.push_back({quantity_text(bottle.machine.memory_mib << 20)});
    row.push_back({fmt::format("{}", bottle.vmm_uid)});
    row.push_back({bottle.firewall ? "yes" : "no"});
    row.push_back({ready.message.empty() ? ready.reason : ready.reason + ": " + ready.message});
}

json document_of(const std::vector<BottleRow>& rows) {
    json items = json::array();
    for (const auto& row : rows) {
        items.push_back({{"name", row.name},
                         {"labels", row.labels},
                         {"createdAt", text_or_null(row.created)},
                         {"generation", row.generation},
                         {"mode", text_or_null(row.mode)},
                         {"bundle", {{"address", text_or_null(row.bundle_address)}, {"socket", text_or_null(row.socket)}, {"ports", ports_json(row.ports)}}},
                         {"machine", {{"name", row.machine.name}, {"cpus", row.machine.cpus}, {"memoryMiB", row.machine.memory_mib}, {"uid", row.vmm_uid}}},
                         {"firewall", row.firewall},
                         {"conditions", conditions_json(row.conditions, row.since, row.generation)}});
    }
    return {{"format", "bottle.get/v1"}, {"items", items}};
}

}  // namespace

BottleRow row_of(const Manifest& manifest, std::int64_t generation, const Desired& desired, const Snapshot& snapshot) {
    BottleRow row;
    row.name = manifest.name;
    row.labels = manifest.labels;
    row.generation = generation;
    row.conditions = conditions(desired, snapshot);
    row.mode = name_of(desired.mode);
    row.bundle_address = desired.dialled;
    if (desired.machine.socket) row.socket = desired.machine.socket->host_path;
    row.ports = desired.ports;
    row.machine = desired.machine;
    row.vmm_uid = desired.vmm_uid;
    row.firewall = desired.firewall.has_value();
    return row;
}

BottleRow row_without_manifest(const std::string& name) {
    BottleRow row;
    row.name = name;
    row.conditions = {{"Confined", "Unknown", "NotApplied", "no manifest of it is recorded"},
                      {"Ready", "False", "NotApplied", fmt::format("its first apply did not come to an end: bottle apply -f FILE, or bottle delete {}", name)}};
    return row;
}

std::string get_table(const std::vector<BottleRow>& rows, bool wide, std::int64_t now, const Screen& screen) {
    std::vector<TableRow> lines = {{{"NAME"}, {"READY"}, {"CONFINED"}, {"MODE"}, {"BUNDLE"}, {"AGE"}}};
    if (wide) lines.front().insert(lines.front().end(), {{"GENERATION"}, {"WORKLOAD"}, {"CPUS"}, {"MEMORY"}, {"UID"}, {"FIREWALL"}, {"REASON"}});
    for (const auto& bottle : rows) {
        const auto& ready = condition(bottle.conditions, "Ready").status;
        const auto& confined = condition(bottle.conditions, "Confined").status;
        TableRow row = {{bottle.name}, {ready, tone_of_status(ready)}, {confined, tone_of_status(confined)}, {or_none(bottle.mode)}, {or_none(bottle.bundle_address)},
                   {age(bottle.created, now)}};
        if (wide) add_wide(bottle, row);
        lines.push_back(std::move(row));
    }
    return table(lines, screen);
}

std::string get_json(const std::vector<BottleRow>& rows) {
    return dump(document_of(rows));
}

std::string get_yaml(const std::vector<BottleRow>& rows) {
    return yaml_text(document_of(rows));
}

std::string get_names(const std::vector<BottleRow>& rows) {
    std::string text;
    for (const auto& row : rows) text += row.name + "\n";
    return text;
}

bool selected(const std::map<std::string, std::string>& labels, const std::map<std::string, std::string>& selector) {
    return std::all_of(selector.begin(), selector.end(), [&](const auto& wanted) {
        const auto found = labels.find(wanted.first);
        return found != labels.end() && found->second == wanted.second;
    });
}

}  // namespace bottle
