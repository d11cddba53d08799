#include "reconciler/row.h"

#include "reconciler/strict_json.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace bottle {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32;

/// Keys that smolvm rewrites at every start and stop.
const std::set<std::string> kRewritten = {"state", "pid", "pid_start_time", "init_completed"};

/// Keys whose value means nothing for what the guest can reach or run.
const std::set<std::string> kFree = {"created_at", "last_exit_code", "health_interval_secs", "health_timeout_secs", "health_retries",
                                     "health_startup_grace_secs"};

/// What a wrong value of a key means, for the keys where it means something.
const std::map<std::string, const char*> kConsequences = {
    {"mounts", "files of the host are in the guest"},
    {"staged_mounts", "files of the host are in the guest"},
    {"ports", "ports of the guest are open on the host, and the network is on"},
    {"published_sockets", "a socket of the host is in the guest"},
    {"remote_volumes", "the guest reaches a remote store"},
    {"init", "a command would run before the proof"},
    {"entrypoint", "a command would run before the proof"},
    {"cmd", "a command would run before the proof"},
    {"health_cmd", "a command would run before the proof"},
    {"restart", "smolvm would start it without the proof"},
    {"ssh_agent", "the guest may use the host's SSH keys"},
    {"docker_socket", "a Docker socket crosses the wall"},
    {"gpu", "the guest has a device of the host"},
    {"cuda", "the guest has a device of the host"},
    {"nested_virt", "the guest may run its own machines"},
    {"image", "another root file system than the manifest's"},
    {"env", "variables that the manifest does not give"},
    {"labels", "it is marked as another bottle's"},
    {"ephemeral", "smolvm may remove it and its disks"},
    {"runtime_managed", "smolvm may remove it and its disks"},
};

/// The whole record but the rewritten, the free and the allowlist keys, as 1.32.2 writes it.
json expected_record(const Machine& m) {
    return {{"name", m.name}, {"cpus", m.cpus}, {"mem", m.memory_mib}, {"block_io", "sync"}, {"disk_durability", "full"},
            {"mounts", json::array()}, {"staged_mounts", json::array()}, {"staged_mounts_detached_from", nullptr}, {"ports", json::array()},
            {"published_sockets", json::array()}, {"gpu", nullptr}, {"nested_virt", nullptr}, {"gpu_vram_mib", nullptr}, {"rosetta", nullptr},
            {"restart", {{"policy", "never"}, {"max_retries", 0}, {"max_backoff_secs", 0}, {"restart_count", 0}, {"user_stopped", false}}},
            {"init", json::array()}, {"remote_volumes", json::array()}, {"env", json::array()}, {"workdir", nullptr},
            {"storage_gb", m.storage_gib}, {"overlay_gb", m.overlay_gib}, {"image", "local-dir:" + m.rootfs}, {"entrypoint", json::array()},
            {"cmd", json::array()}, {"labels", m.labels}, {"health_cmd", nullptr}, {"ssh_agent", false}, {"cuda", false},
            {"docker_socket", false}, {"ephemeral", false}, {"runtime_managed", false}};
}

const std::set<std::string> kAllowlistKeys = {"network", "allowed_cidrs", "dns_filter_hosts"};

RowFix fix_of(const std::string& key) {
    if (kAllowlistKeys.count(key) > 0) return RowFix::SetAllowlist;
    if (key == "cpus" || key == "mem") return RowFix::UpdateResources;
    return RowFix::Recreate;
}

std::string shown(const json& value) {
    const auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return text.size() > 120 ? text.substr(0, 120) + "…" : text;
}

/// smolvm writes null or false for the same "no" here, by version and command (1.9.3, source).
bool same(const std::string& key, const json& is, const json& want) {
    if ((key == "gpu" || key == "nested_virt" || key == "rosetta") && is == false) return true;
    // Both are set by our own start and stop.
    if (key == "restart" && is.is_object() && is.contains("user_stopped")) {
        auto copy = is;
        copy["user_stopped"] = false;
        return copy == want;
    }
    return is == want;
}

void compare_allowlist(const json& row, const Machine& desired, RowStage stage, std::vector<RowProblem>& problems) {
    const bool confined = stage == RowStage::Confined;
    const auto value = [&](const char* key) { return row.contains(key) ? row.at(key) : json(); };
    const auto problem = [&](const char* key, std::string text) { problems.push_back({key, std::move(text), RowFix::SetAllowlist}); };

    const json list = confined ? json::array({desired.allowed_cidr}) : json();
    if (value("allowed_cidrs") != list || !row.contains("allowed_cidrs")) {
        if (value("allowed_cidrs").is_null() && value("network") == true) problem("allowed_cidrs", "allowed_cidrs is null: the guest may reach every address");
        else problem("allowed_cidrs", fmt::format("allowed_cidrs is {}, not the requested list", shown(value("allowed_cidrs"))));
    }
    if (value("network") != confined) problem("network", fmt::format("network is {}, not {}", shown(value("network")), confined));
    if (confined && (!row.contains("dns_filter_hosts") || value("dns_filter_hosts") != json::array())) {
        problem("dns_filter_hosts", fmt::format("dns_filter_hosts is {}, not []: names leave the host", shown(value("dns_filter_hosts"))));
    }
    if (!confined && row.contains("dns_filter_hosts")) problem("dns_filter_hosts", "dns_filter_hosts is there, on a machine that is offline");
}

std::optional<std::string> wrong_hint(const json& row) {
    static const std::set<std::string> states = {"created", "running", "stopped", "failed", "unreachable"};
    if (!row.contains("state") || !row.at("state").is_string() || states.count(row.at("state").get<std::string>()) == 0) {
        return fmt::format("state is {}, which no known smolvm writes", row.contains("state") ? shown(row.at("state")) : "missing");
    }
    for (const auto* key : {"pid", "pid_start_time"}) {
        if (row.contains(key) && !row.at(key).is_null() && !row.at(key).is_number_unsigned()) return fmt::format("{} is {}", key, shown(row.at(key)));
    }
    return std::nullopt;
}

/// A key written with escapes equals the plain key for smolvm's reader, and hides from a search in the text.
bool has_escaped_key(const std::string& text) {
    // Only a key can be followed by a colon; strings are skipped whole.
    std::size_t i = 0;
    while (i < text.size()) {
        if (text[i] != '"') {
            ++i;
            continue;
        }
        bool escaped = false;
        for (++i; i < text.size() && text[i] != '"'; ++i) {
            if (text[i] == '\\') {
                escaped = true;
                ++i;
            }
        }
        const auto next = text.find_first_not_of(" \t\r\n", ++i);
        if (escaped && next != std::string::npos && text[next] == ':') return true;
    }
    return false;
}

StrictJson parse_row(const std::string& text) {
    auto parsed = parse_strict_json(text, kMaxBytes, kMaxDepth);
    if (parsed.problem.empty() && !parsed.value.is_object()) parsed.problem = "it is no object";
    if (parsed.problem.empty() && has_escaped_key(text)) parsed.problem = "a key in it is written with escapes";
    return parsed;
}

}  // namespace

std::vector<RowProblem> compare_row(const std::string& text, const Machine& desired, RowStage stage) {
    const auto parsed = parse_row(text);
    if (!parsed.problem.empty()) return {{"", "the row cannot be trusted: " + parsed.problem, RowFix::Recreate}};
    const auto& row = parsed.value;
    std::vector<RowProblem> problems;
    compare_allowlist(row, desired, stage, problems);
    const auto expected = expected_record(desired);
    for (const auto& [key, want] : expected.items()) {
        if (row.contains(key) && same(key, row.at(key), want)) continue;
        const auto consequence = kConsequences.find(key);
        const auto is = row.contains(key) ? shown(row.at(key)) : std::string("missing");
        problems.push_back({key, fmt::format("{} is {}, not {}{}", key, key == "env" ? "set" : is, shown(want),
                                             consequence == kConsequences.end() ? "" : std::string(": ") + consequence->second),
                            fix_of(key)});
    }
    for (const auto& [key, value] : row.items()) {
        const bool known = expected.contains(key) || kRewritten.count(key) > 0 || kFree.count(key) > 0 || kAllowlistKeys.count(key) > 0;
        if (!known) problems.push_back({key, fmt::format("the row has the key {}, which is unknown: what it opens cannot be told", key), RowFix::Recreate});
    }
    if (const auto hint = wrong_hint(row)) problems.push_back({"state", *hint, RowFix::Recreate});
    return problems;
}

std::optional<RowHints> read_row_hints(const std::string& text) {
    const auto parsed = parse_row(text);
    if (!parsed.problem.empty() || wrong_hint(parsed.value)) return std::nullopt;
    RowHints hints;
    hints.state = parsed.value.at("state").get<std::string>();
    const auto number = [&](const char* key) -> std::uint64_t {
        return parsed.value.contains(key) && parsed.value.at(key).is_number_unsigned() ? parsed.value.at(key).get<std::uint64_t>() : 0;
    };
    hints.pid = static_cast<std::int64_t>(number("pid"));
    hints.pid_start_time = number("pid_start_time");
    return hints;
}

std::string read_allowlist_text(const std::string& text) {
    const auto parsed = parse_row(text);
    if (!parsed.problem.empty()) return "unreadable";
    const auto& row = parsed.value;
    const auto list = row.contains("allowed_cidrs") ? row.at("allowed_cidrs") : json();
    if (list.is_null()) return row.contains("network") && row.at("network") == true ? "every address" : "none";
    if (!list.is_array() || list.size() > 3) return "another list";
    std::string all;
    for (const auto& entry : list) all += (all.empty() ? "" : ", ") + (entry.is_string() ? entry.get<std::string>() : shown(entry));
    return all.empty() ? "nothing" : all;
}

std::string row_digest_material(const std::string& text) {
    const auto parsed = parse_row(text);
    if (!parsed.problem.empty()) return text;
    auto kept = parsed.value;
    for (const auto& key : kRewritten) kept.erase(key);
    if (kept.contains("restart") && kept["restart"].is_object()) kept["restart"].erase("user_stopped");
    return kept.dump();
}

}  // namespace bottle
