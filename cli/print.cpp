#include "cli/print.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace bottle {
namespace {

using nlohmann::json;

std::string dump(const json& document) {
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json condition_json(const Condition& c, const StatusRow& row) {
    const auto since = row.since.find(c.type);
    return {{"type", c.type}, {"status", c.status}, {"reason", c.reason}, {"message", c.message},
            {"lastTransitionTime", since == row.since.end() ? json() : json(since->second)}, {"observedGeneration", row.generation}};
}

json evidence_json(const Evidence& e) {
    return {{"kind", name_of(e.kind)}, {"verdict", name_of(e.verdict)}, {"reading", printable(e.reading)}, {"digest", e.digest}};
}

/// The kinds that every look takes anew come from now; the guest's from when the probe ran.
std::string guest_time(const StoredState& stored) {
    return stored.proof ? stored.proof->taken_at : "";
}

}  // namespace

std::string status_table(const std::vector<StatusRow>& rows) {
    std::size_t width = std::string_view("NAME").size();
    for (const auto& row : rows) width = std::max(width, row.bottle.size());
    auto text = fmt::format("{:<{}}  READY    CONFINED  REASON\n", "NAME", width);
    for (const auto& row : rows) {
        const auto& ready = condition(row.conditions, "Ready");
        const auto reason = ready.message.empty() ? ready.reason : fmt::format("{}: {}", ready.reason, printable(ready.message));
        text += fmt::format("{:<{}}  {:<7}  {:<8}  {}\n", row.bottle, width, ready.status, condition(row.conditions, "Confined").status, reason);
    }
    return text;
}

std::string status_detail(const StatusRow& row) {
    auto text = fmt::format("bottle {}  generation {}\n", row.bottle, row.generation);
    for (const auto& port : row.ports) text += fmt::format("  {:<16} {}:{}  {}\n", port.container, row.bundle_address, port.port, port.name);
    for (const auto& c : row.conditions) {
        const auto since = row.since.find(c.type);
        text += fmt::format("  {:<16} {:<8} {:<16} {}{}\n", c.type, c.status, c.reason, printable(c.message),
                            since == row.since.end() ? "" : fmt::format("{}(since {})", c.message.empty() ? "" : "  ", since->second));
    }
    return text;
}

std::string status_json(const std::vector<StatusRow>& rows) {
    json items = json::array();
    for (const auto& row : rows) {
        json conditions = json::array();
        for (const auto& c : row.conditions) conditions.push_back(condition_json(c, row));
        json ports = json::array();
        for (const auto& port : row.ports) ports.push_back({{"container", port.container}, {"name", port.name}, {"port", port.port}});
        items.push_back({{"name", row.bottle}, {"generation", row.generation}, {"conditions", conditions},
                         {"bundle", {{"address", row.bundle_address}, {"ports", ports}}}});
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

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void say(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace bottle
