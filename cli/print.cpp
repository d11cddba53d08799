#include "cli/print.h"

#include "cli/json_parts.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace bottle {
namespace {

using nlohmann::json;

/// The kinds that every look takes anew come from now; the guest's from when the probe ran.
std::string guest_time(const StoredState& stored) {
    return stored.proof ? stored.proof->taken_at : "";
}

}  // namespace

std::string status_table(const std::vector<StatusRow>& rows, const Screen& screen) {
    std::vector<TableRow> lines = {{{"NAME"}, {"READY"}, {"CONFINED"}, {"REASON"}}};
    for (const auto& row : rows) {
        const auto& ready = condition(row.conditions, "Ready");
        const auto& confined = condition(row.conditions, "Confined").status;
        lines.push_back({{row.bottle}, {ready.status, tone_of_status(ready.status)}, {confined, tone_of_status(confined)},
                         {ready.message.empty() ? ready.reason : fmt::format("{}: {}", ready.reason, ready.message)}});
    }
    return table(lines, screen);
}

std::string status_detail(const StatusRow& row, const Screen& screen) {
    auto text = fmt::format("bottle {}  generation {}\n", row.bottle, row.generation);
    for (const auto& port : row.ports) text += fmt::format("  {:<16} {}:{}  {}\n", port.container, row.bundle_address, port.port, port.name);
    for (const auto& c : row.conditions) {
        const auto since = row.since.find(c.type);
        text += fmt::format("  {:<16} {} {:<16} {}{}\n", c.type, screen.paint(tone_of_status(c.status), fmt::format("{:<8}", c.status)), c.reason, printable(c.message),
                            since == row.since.end() ? "" : fmt::format("{}(since {})", c.message.empty() ? "" : "  ", since->second));
    }
    return text;
}

std::string status_json(const std::vector<StatusRow>& rows) {
    json items = json::array();
    for (const auto& row : rows) {
        items.push_back({{"name", row.bottle}, {"generation", row.generation}, {"conditions", conditions_json(row.conditions, row.since, row.generation)},
                         {"bundle", {{"address", row.bundle_address}, {"ports", ports_json(row.ports)}}}});
    }
    return dump({{"format", "bottle.status/v1"}, {"items", items}});
}

std::string proof_text(const Desired& desired, const std::vector<Evidence>& evidence, const StoredState& stored) {
    auto text = fmt::format("bottle {}\n", desired.name);
    for (const auto& e : evidence) text += fmt::format("  {:<8} {:<8} {}\n", name_of(e.kind), name_of(e.verdict), printable(e.reading));
    if (!desired.firewall) text += fmt::format("  {:<8} {:<8} {}\n", name_of(EvidenceKind::Firewall), "none", printable(desired.no_firewall));
    if (stored.proof) text += fmt::format("guest evidence taken at {}\n{}\n", guest_time(stored), stored.proof->raw);
    return text;
}

std::string proof_json(const Desired& desired, const std::vector<Evidence>& evidence, const StoredState& stored) {
    json list = json::array();
    for (const auto& e : evidence) list.push_back(evidence_json(e));
    json raw;
    if (stored.proof) {
        raw = json::parse(stored.proof->raw, nullptr, false);
        if (raw.is_discarded()) raw = stored.proof->raw;
    }
    return dump({{"format", "bottle.proof/v1"}, {"bottle", desired.name}, {"guestTakenAt", guest_time(stored)}, {"evidence", list}, {"noFirewall", desired.no_firewall}, {"raw", raw}});
}

std::string plan_as(const std::string& output, const Plan& plan, const Screen& screen) {
    return output == "json" ? to_json(plan) : paint_signs(to_text(plan), screen);
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void say(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace bottle
