#include "cli/print_describe.h"

#include "cli/age.h"
#include "cli/described.h"
#include "cli/help.h"
#include "cli/json_parts.h"
#include "cli/print_events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace bottle {
namespace {

using nlohmann::json;

constexpr std::size_t kIndent = 2;

std::string line_of(const std::string& what, const std::string& value) {
    return fmt::format("{:<13}{}\n", what + ":", printable(value));
}

/// The same, in several lines where the screen is narrower.
std::string wrapped_line(const std::string& what, const std::string& value, const Screen& screen) {
    constexpr std::size_t kColumn = 13;
    return screen.width == 0 ? line_of(what, value) : fmt::format("{:<{}}{}\n", what + ":", kColumn, wrapped(printable(value), kColumn, screen.width));
}

/// A heading, and a table beneath it.
std::string section(const std::string& heading, const std::vector<TableRow>& rows, const Screen& screen) {
    auto narrower = screen;
    if (narrower.width > kIndent) narrower.width -= kIndent;
    std::string text = heading + ":\n";
    std::istringstream lines(table(rows, narrower));
    for (std::string line; std::getline(lines, line);) text += std::string(kIndent, ' ') + line + "\n";
    return text;
}

std::string labels_text(const std::map<std::string, std::string>& labels) {
    std::vector<std::string> all;
    for (const auto& [key, value] : labels) all.push_back(key + "=" + value);
    return all.empty() ? "<none>" : fmt::format("{}", fmt::join(all, ", "));
}

std::vector<std::string> names_of(const std::map<std::string, std::string>& env) {
    std::vector<std::string> names;
    for (const auto& [name, value] : env) names.push_back(name);
    return names;
}

std::string head(const Description& d, std::int64_t now, const Screen& screen) {
    auto text = line_of("Name", d.row.name) + line_of("Labels", labels_text(d.row.labels));
    text += line_of("Manifest", fmt::format("{}:{}", d.manifest.place.file, d.manifest.place.line));
    text += line_of("Generation", fmt::format("{}", d.row.generation));
    text += line_of("Age", d.row.created.empty() ? age("", now) : fmt::format("{} ({})", age(d.row.created, now), d.row.created));
    return text + wrapped_line("Mode", fmt::format("{}: {}", d.row.mode, d.desired.mode_why), screen);
}

std::string conditions_section(const Description& d, std::int64_t now, const Screen& screen) {
    std::vector<TableRow> rows = {{{"TYPE"}, {"STATUS"}, {"REASON"}, {"AGE"}, {"MESSAGE"}}};
    for (const auto& c : d.row.conditions) {
        const auto time = d.row.since.find(c.type);
        rows.push_back({{c.type}, {c.status, tone_of_status(c.status)}, {c.reason}, {age(time == d.row.since.end() ? "" : time->second, now)}, {c.message}});
    }
    return section("Conditions", rows, screen);
}

std::string networks_section(const Description& d, const Screen& screen) {
    std::vector<TableRow> rows = {{{"NAME"}, {"SUBNET"}, {"INTERNAL"}, {"STATE"}, {"ON IT"}}};
    for (const auto& network : described_networks(d.desired, d.snapshot)) {
        rows.push_back({{network.name}, {network.subnet}, {network.internal ? "yes" : "no"}, {network.state}, {fmt::format("{}", fmt::join(network.on_it, ", "))}});
    }
    return section("Networks", rows, screen);
}

std::string containers_section(const Description& d, std::int64_t now, const Screen& screen) {
    if (!d.snapshot.docker.present()) return line_of("Containers", "unknown: Docker could not be read");
    std::vector<TableRow> rows = {{{"NAME"}, {"IMAGE"}, {"STATE"}, {"AGE"}, {"PORTS"}}};
    for (const auto& container : described_containers(d.desired, d.snapshot)) {
        rows.push_back({{container.name}, {container.image}, {container.state}, {container.started.empty() ? "" : age(container.started, now)},
                        {fmt::format("{}", fmt::join(container.ports, ", "))}});
    }
    return section("Containers", rows, screen);
}

/// "prompt.md at /etc/bottle/prompt.md".
std::vector<std::string> copy_texts(const Desired& desired) {
    std::vector<std::string> texts;
    for (const auto& copy : desired.copies) texts.push_back(fmt::format("{} at {}", in_words(copy), copy.target));
    return texts;
}

std::string machine_lines(const Description& d, const Screen& screen) {
    const auto machine = described_machine(d.snapshot);
    auto state = machine.state;
    if (machine.pid != 0) state += fmt::format(", process {} of uid {}", machine.pid, machine.uid);
    auto text = line_of("Machine", fmt::format("{}: {}", d.desired.machine.name, state));
    text += line_of("  Resources", fmt::format("{} cpus, {} MiB of memory, disks of {} GiB and {} GiB", d.desired.machine.cpus, d.desired.machine.memory_mib,
                                               d.desired.machine.storage_gib, d.desired.machine.overlay_gib));
    text += line_of("  Image", d.desired.image_source.empty() ? d.desired.machine.rootfs : fmt::format("{}, a copy of {}", d.desired.machine.rootfs, printable(to_text(d.desired.image_source))));
    text += line_of("  Allowlist", allowlist_text(d.desired)) + wrapped_line("  Firewall", firewall_text(d.desired), screen);
    if (!d.desired.copies.empty()) text += wrapped_line("  Files", fmt::format("{}", fmt::join(copy_texts(d.desired), ", ")), screen);
    if (!d.desired.workload) return text + line_of("Workload", "<none>");
    text += line_of("Workload", fmt::format("{}, as {}", fmt::join(d.desired.workload->command, " "), d.desired.workload->user));
    return text + wrapped_line("  Variables", fmt::format("{}", fmt::join(names_of(d.desired.workload->env), ", ")), screen);
}

std::string evidence_section(const Description& d, const Screen& screen) {
    const auto all = described_evidence(d.desired, d.snapshot);
    if (all.empty()) return line_of("Evidence", "<none>, no machine runs");
    std::vector<TableRow> rows = {{{"KIND"}, {"VERDICT"}, {"READINGS"}, {"DOUBT"}}};
    for (const auto& e : all) {
        const auto tone = e.verdict == name_of(Verdict::Holds) ? Tone::Good : e.verdict == name_of(Verdict::Fails) ? Tone::Bad : Tone::Doubt;
        rows.push_back({{e.kind}, {e.verdict, tone}, {fmt::format("{}", e.readings)}, {e.doubt}});
    }
    const auto& stored = d.snapshot.stored;
    const auto taken = stored.present() && stored->proof ? stored->proof->taken_at : std::string();
    return section(taken.empty() ? "Evidence" : fmt::format("Evidence (the guest's of {})", printable(taken)), rows, screen);
}

json networks_json(const Description& d) {
    json all = json::array();
    for (const auto& n : described_networks(d.desired, d.snapshot)) {
        all.push_back({{"name", n.name}, {"subnet", n.subnet}, {"internal", n.internal}, {"state", n.state}, {"containers", n.on_it}});
    }
    return all;
}

json containers_json(const Description& d) {
    json all = json::array();
    for (const auto& c : described_containers(d.desired, d.snapshot)) {
        all.push_back({{"name", c.name}, {"image", c.image}, {"state", c.state}, {"startedAt", text_or_null(c.started)}});
    }
    return all;
}

json image_source_json(const ImageSource& source) {
    if (source.empty()) return {};
    return {{"kind", name_of(source.kind)}, {"from", source.from}, {"id", text_or_null(source.id)}};
}

json machine_json(const Description& d) {
    const auto machine = described_machine(d.snapshot);
    return {{"name", d.desired.machine.name},
            {"state", machine.state},
            {"pid", machine.pid == 0 ? json() : json(machine.pid)},
            {"uid", machine.pid == 0 ? json() : json(machine.uid)},
            {"cpus", d.desired.machine.cpus},
            {"memoryMiB", d.desired.machine.memory_mib},
            {"storageGiB", d.desired.machine.storage_gib},
            {"overlayGiB", d.desired.machine.overlay_gib},
            {"image", d.desired.machine.rootfs},
            {"imageSource", image_source_json(d.desired.image_source)},
            {"allowlist", text_or_null(d.desired.machine.allowed_cidr)},
            {"firewall", {{"used", d.desired.firewall.has_value()}, {"text", firewall_text(d.desired)}}}};
}

json files_json(const Description& d) {
    json all = json::array();
    for (const auto& copy : d.desired.copies) all.push_back({{"name", in_words(copy)}, {"place", copy.target}, {"digest", text_or_null(copy.digest)}});
    return all;
}

json workload_json(const Description& d) {
    if (!d.desired.workload) return {};
    return {{"command", d.desired.workload->command}, {"user", d.desired.workload->user}, {"variables", names_of(d.desired.workload->env)}};
}

json evidence_list(const Description& d) {
    json all = json::array();
    for (const auto& e : described_evidence(d.desired, d.snapshot)) {
        all.push_back({{"kind", e.kind}, {"verdict", e.verdict}, {"readings", e.readings}, {"doubt", text_or_null(e.doubt)}});
    }
    return all;
}

}  // namespace

std::string describe_text(const Description& d, std::int64_t now, const Screen& screen) {
    auto text = head(d, now, screen) + conditions_section(d, now, screen) + networks_section(d, screen);
    text += line_of("Bundle", d.row.socket.empty() ? d.row.bundle_address : fmt::format("{}, by the socket {}", d.row.bundle_address, d.row.socket));
    text += containers_section(d, now, screen) + machine_lines(d, screen) + evidence_section(d, screen);
    if (d.events.empty()) return text + line_of("Events", "<none>");
    return text + section("Events", event_rows(d.events, false, true, now), screen);
}

std::string describe_json(const Description& d) {
    return dump({{"format", "bottle.describe/v1"},
                 {"name", d.row.name},
                 {"labels", d.row.labels},
                 {"manifest", to_string(d.manifest.place)},
                 {"createdAt", text_or_null(d.row.created)},
                 {"generation", d.row.generation},
                 {"mode", {{"is", d.row.mode}, {"why", d.desired.mode_why}}},
                 {"conditions", conditions_json(d.row.conditions, d.row.since, d.row.generation)},
                 {"networks", networks_json(d)},
                 {"bundle", {{"address", d.row.bundle_address}, {"socket", text_or_null(d.row.socket)}, {"ports", ports_json(d.row.ports)}, {"containers", containers_json(d)}}},
                 {"machine", machine_json(d)},
                 {"files", files_json(d)},
                 {"workload", workload_json(d)},
                 {"evidence", evidence_list(d)},
                 {"events", json::parse(events_json(d.events)).at("items")}});
}

}  // namespace bottle
