#include "reconciler/row.h"

#include "manifests/error.h"
#include "reconciler/address.h"
#include "reconciler/desired.h"
#include "reconciler/row_splice.h"
#include "reconciler/smolvm_build.h"
#include "reconciler/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace bottle {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32;

/// What a wrong value of a key means, for the keys where it means something. Some stand in no row of ours: 1.32.2 leaves them out when unset.
const std::map<std::string, const char*> kConsequences = {
    {"mounts", "files of the host are in the guest"},
    {"staged_mounts", "files of the host are in the guest"},
    {"ports", "ports of the guest are open on the host, and the network is on"},
    {"published_sockets", "the guest has other sockets of the host than it shall have"},
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
    {"source_smolmachine", "another root file system than the manifest's"},
    {"env", "variables that the manifest does not give"},
    {"labels", "it is marked as another bottle's"},
    {"ephemeral", "smolvm may remove it and its disks"},
    {"runtime_managed", "smolvm may remove it and its disks"},
    {"network_backend", "another network than the one that enforces the allowlist"},
    {"network_name", "it joins a network of machines, past the allowlist"},
    {"dns", "names leave the host through this resolver"},
    {"secret_refs", "secrets of the host go into the guest"},
    {"golden", "it is a copy of another machine, and has that one's policy"},
    {"forkable", "copies of it would run without the proof"},
    {"fork_env", "copies of it would run without the proof"},
};

/// Keys whose values may be secrets: never shown.
const std::set<std::string> kHidden = {"env", "secret_refs", "fork_env"};

/// As `machine create --mount-socket` writes it (1.32.2).
json published_sockets(const Machine& m) {
    if (!m.socket) return json::array();
    return json::array({{{"direction", "mount"}, {"guest_path", m.socket->guest_path}, {"host_path", m.socket->host_path}}});
}

/// The whole record but the hints and the allowlist keys, as 1.32.2 writes it.
json measured_record(const Machine& m) {
    return {{"name", m.name}, {"cpus", m.cpus}, {"mem", m.memory_mib}, {"block_io", "sync"}, {"disk_durability", "full"},
            {"mounts", json::array()}, {"staged_mounts", json::array()}, {"staged_mounts_detached_from", nullptr}, {"ports", json::array()},
            {"published_sockets", published_sockets(m)}, {"gpu", nullptr}, {"nested_virt", nullptr}, {"gpu_vram_mib", nullptr}, {"rosetta", nullptr},
            {"restart", {{"policy", "never"}, {"max_retries", 0}, {"max_backoff_secs", 0}, {"restart_count", 0}, {"user_stopped", false}}},
            {"init", json::array()}, {"remote_volumes", json::array()}, {"env", json::array()}, {"workdir", nullptr},
            {"storage_gb", m.storage_gib}, {"overlay_gb", m.overlay_gib}, {"image", "local-dir:" + m.rootfs}, {"entrypoint", json::array()},
            {"cmd", kInertCommand}, {"labels", m.labels}, {"health_cmd", nullptr}, {"health_interval_secs", nullptr}, {"health_timeout_secs", nullptr},
            {"health_retries", nullptr}, {"health_startup_grace_secs", nullptr}, {"ssh_agent", false}, {"cuda", false},
            {"docker_socket", false}, {"ephemeral", false}, {"runtime_managed", false}};
}

/// What 0.8.0 to 1.1.2 have not yet (source).
constexpr const char* kNotOnTsi[] = {"block_io", "disk_durability", "staged_mounts", "staged_mounts_detached_from", "published_sockets", "nested_virt", "rosetta",
                                     "remote_volumes", "labels", "cuda", "docker_socket", "runtime_managed"};

/// For a machine on TSI, as 0.8.0 to 1.1.2 do.
json expected_record(const Machine& m) {
    auto record = measured_record(m);
    if (!m.tsi) return record;
    for (const auto* key : kNotOnTsi) record.erase(key);
    if (!m.has_command) record["cmd"] = json::array();
    return record;
}

/// What an older smolvm does not write is unset. 1.4.0 knows no labels and drops ours; whose the row is, its place says: a database in the bottle's own
/// state folder, which is closed to others. So a row without labels is ours with every version, and a disk outlives a change of smolvm; wrong ones are
/// another's. A mounted socket can be written only by a version that knows it.
bool may_be_missing(const std::string& key, const Machine& m) {
    return later_row_keys().count(key) > 0 && !(key == "published_sockets" && m.socket);
}

const std::set<std::string> kAllowlistKeys = {"network", "allowed_cidrs", "dns_filter_hosts"};

/// Of a key of the expected record; those of the allowlist are compared by themselves.
RowFix fix_of(const std::string& key) {
    if (key == "cpus" || key == "mem") return RowFix::UpdateResources;
    return RowFix::Recreate;
}

std::string shown(const json& value) {
    const auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    constexpr std::size_t kShown = 120;
    return printable(text.size() > kShown ? text.substr(0, kShown) + "…" : text);
}

/// As written: to nlohmann 1.0 equals 1, and smolvm's reader refuses the one of them.
bool identical(const json& one, const json& other) {
    return one.dump(-1, ' ', false, json::error_handler_t::replace) == other.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// smolvm notes in there how often it restarted the machine, and that the user stopped it.
bool same_restart(json is, const json& want) {
    // What is no object contains nothing.
    if (!is.contains("user_stopped") || !is["user_stopped"].is_boolean()) return false;
    if (!is.contains("restart_count") || !is["restart_count"].is_number_unsigned()) return false;
    is["user_stopped"] = want["user_stopped"];
    is["restart_count"] = want["restart_count"];
    return identical(is, want);
}

bool same(const std::string& key, const json& is, const json& want) {
    // null or false for the same "no", by version and command (1.9.3, source).
    if (key == "gpu" || key == "nested_virt" || key == "rosetta") return is.is_null() || is == false;
    if (key == "restart") return same_restart(is, want);
    return identical(is, want);
}

void compare_allowlist(const json& row, const Machine& desired, RowStage stage, std::vector<RowProblem>& problems) {
    const bool online = stage == RowStage::Confined && !desired.socket;
    const auto value = [&](const char* key) { return row.contains(key) ? row.at(key) : json(); };
    const auto problem = [&](const char* key, std::string text) { problems.push_back({key, std::move(text), RowFix::SetAllowlist}); };

    const json list = online ? json::array({desired.allowed_cidr}) : json();
    const bool listed = row.contains("allowed_cidrs");
    const auto is_list = listed ? shown(value("allowed_cidrs")) : "missing";
    // smolvm takes a missing list for null, and null for no policy at all.
    const bool everywhere = value("allowed_cidrs").is_null() && value("network") == true;
    if (everywhere) problem("allowed_cidrs", fmt::format("allowed_cidrs is {}: the guest may reach every address", is_list));
    else if (!listed || !identical(value("allowed_cidrs"), list)) problem("allowed_cidrs", fmt::format("allowed_cidrs is {}, not the requested list", is_list));
    if (value("network") != online) problem("network", fmt::format("network is {}, not {}", shown(value("network")), online));
    if (desired.tsi && online && row.contains("dns_filter_hosts")) {
        problem("dns_filter_hosts", fmt::format("dns_filter_hosts is {}, and must not be there: on TSI its names join the list", shown(value("dns_filter_hosts"))));
    } else if (!desired.tsi && online && value("dns_filter_hosts") != json::array()) {
        problem("dns_filter_hosts", fmt::format("dns_filter_hosts is {}, not []: names leave the host", shown(value("dns_filter_hosts"))));
    }
    if (!online && row.contains("dns_filter_hosts")) problem("dns_filter_hosts", "dns_filter_hosts is there, on a machine that is offline");
}

/// One text only: what our own writer would leave as it is. A JSON reader takes "10\\u002e231.0.2/32" or a space between for the same list; whoever
/// wrote it so is not smolvm, and other readers may read it otherwise.
void compare_text(const std::string& text, const Machine& desired, std::vector<RowProblem>& problems) {
    const bool good = desired.tsi ? is_one_loopback(desired.allowed_cidr) && splice_loopback(text, desired.allowed_cidr) == text
                                  : is_one_address(desired.allowed_cidr) && splice_allowlist(text, desired.allowed_cidr) == text;
    if (good) return;
    problems.push_back({"allowed_cidrs", "the allowlist is written in another way than bottle and smolvm write it", RowFix::SetAllowlist});
}

/// What smolvm itself rewrites: its process, its time, how it went. Each has a form that it must have, and no one good value.
struct Hint {
    const char* key;
    bool (*fits)(const json& value);
};

bool is_state(const json& value) {
    static const std::set<std::string> kStates = {"created", "running", "stopped", "failed", "unreachable"};
    return value.is_string() && kStates.count(value.get<std::string>()) > 0;
}
bool is_count(const json& value) { return value.is_number_unsigned(); }
bool is_count_or_null(const json& value) { return value.is_null() || value.is_number_unsigned(); }
bool is_integer_or_null(const json& value) { return value.is_null() || value.is_number_integer(); }
bool is_truth(const json& value) { return value.is_boolean(); }

constexpr Hint kHints[] = {{"created_at", is_count}, {"state", is_state}, {"pid", is_count_or_null}, {"pid_start_time", is_count_or_null},
                           {"last_exit_code", is_integer_or_null}, {"init_completed", is_truth}};

bool is_hint(const std::string& key) {
    return std::any_of(std::begin(kHints), std::end(kHints), [&](const Hint& hint) { return key == hint.key; });
}

std::vector<RowProblem> wrong_hints(const json& row) {
    std::vector<RowProblem> problems;
    for (const auto& hint : kHints) {
        if (row.contains(hint.key) && hint.fits(row.at(hint.key))) continue;
        problems.push_back({hint.key, fmt::format("{} is {}, which no known smolvm writes", hint.key, row.contains(hint.key) ? shown(row.at(hint.key)) : "missing"), RowFix::Recreate});
    }
    return problems;
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

StrictJson parse_object(const std::string& text) {
    // nlohmann passes over a byte order mark and takes NUL for the end of the text; smolvm's reader refuses both.
    if (text.find('\0') != std::string::npos) return {{}, "a NUL byte is in it"};
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || text[first] != '{') return {{}, "it is no object"};
    auto parsed = parse_strict_json(text, kMaxBytes, kMaxDepth);
    if (parsed.problem.empty() && has_escaped_key(text)) parsed.problem = "a key in it is written with escapes";
    parsed.problem = printable(parsed.problem);
    return parsed;
}

RowProblem unwanted_key(const std::string& key, const json& value) {
    const auto consequence = kConsequences.find(key);
    if (consequence == kConsequences.end()) {
        return {key, fmt::format("the row has the key {}, which is unknown: what it opens cannot be told", printable(key)), RowFix::Recreate};
    }
    return {key, fmt::format("{} is {}, and must not be there: {}", key, kHidden.count(key) > 0 ? "set" : shown(value), consequence->second), RowFix::Recreate};
}

RowProblem wrong_value(const std::string& key, const json& row, const json& want) {
    const auto is = !row.contains(key) ? "missing" : kHidden.count(key) > 0 ? "set" : shown(row.at(key));
    const auto consequence = kConsequences.find(key);
    return {key, fmt::format("{} is {}, not {}{}", key, is, shown(want), consequence == kConsequences.end() ? "" : std::string(": ") + consequence->second), fix_of(key)};
}

/// Online, with one address of the loopback as its list, and no key that those versions do not write.
bool is_on_tsi(const json& row) {
    const auto list = row.value("allowed_cidrs", json());
    if (row.value("network", json()) != true || row.contains("dns_filter_hosts")) return false;
    if (std::any_of(std::begin(kNotOnTsi), std::end(kNotOnTsi), [&](const char* key) { return row.contains(key); })) return false;
    return list.is_array() && list.size() == 1 && list.front().is_string() && is_one_loopback(list.front().get<std::string>());
}

/// The mode that a machine was made for, where its row says it: on a network without sockets, or off it with the one at the proxy's path.
std::optional<NetworkMode> made_for(const json& row) {
    if (is_on_tsi(row)) return NetworkMode::TsiLoopback;
    const auto value = [&](const char* key) { return row.contains(key) ? row.at(key) : json(); };
    const auto sockets = value("published_sockets");
    const bool online = value("network") == true;
    if (online && sockets == json::array()) return NetworkMode::Bridge;
    const bool proxy = sockets.is_array() && sockets.size() == 1 && sockets.front().is_object() && sockets.front().value("guest_path", json()) == kSocketPath;
    return proxy && !online ? std::optional(NetworkMode::Socket) : std::nullopt;
}

/// Said first, and in the place of what differs because of it: a machine's sockets are those that it was created with, and TSI is no network that another smolvm makes of it.
void compare_mode(const json& row, const Machine& desired, std::vector<RowProblem>& problems) {
    const auto mode = desired.socket ? NetworkMode::Socket : desired.tsi ? NetworkMode::TsiLoopback : NetworkMode::Bridge;
    const auto made = made_for(row);
    if (!made || *made == mode) return;
    problems.erase(std::remove_if(problems.begin(), problems.end(), [](const RowProblem& p) { return p.key == "published_sockets"; }), problems.end());
    problems.insert(problems.begin(), {"published_sockets", fmt::format("it was made for network.mode {}, and {} is asked for: a machine keeps its mode", name_of(*made), name_of(mode)), RowFix::Recreate});
}

}  // namespace

std::string distrust_of_object(const std::string& text) {
    return parse_object(text).problem;
}

std::vector<RowProblem> compare_row(const std::string& text, const Machine& desired, RowStage stage) {
    const auto parsed = parse_object(text);
    if (!parsed.problem.empty()) return {{"", "the row cannot be trusted: " + parsed.problem, RowFix::Recreate}};
    const auto& row = parsed.value;
    std::vector<RowProblem> problems;
    compare_allowlist(row, desired, stage, problems);
    if (problems.empty() && stage == RowStage::Confined && !desired.socket) compare_text(text, desired, problems);
    const auto expected = expected_record(desired);
    for (const auto& [key, want] : expected.items()) {
        const bool fine = row.contains(key) ? same(key, row.at(key), want) : may_be_missing(key, desired);
        if (!fine) problems.push_back(wrong_value(key, row, want));
    }
    for (const auto& [key, value] : row.items()) {
        if (!expected.contains(key) && !is_hint(key) && kAllowlistKeys.count(key) == 0) problems.push_back(unwanted_key(key, value));
    }
    for (auto& problem : wrong_hints(row)) problems.push_back(std::move(problem));
    compare_mode(row, desired, problems);
    return problems;
}

std::optional<RowHints> read_row_hints(const std::string& text) {
    const auto parsed = parse_object(text);
    if (!parsed.problem.empty() || !wrong_hints(parsed.value).empty()) return std::nullopt;
    const auto number = [&](const char* key) { return parsed.value.at(key).is_null() ? 0 : parsed.value.at(key).get<std::uint64_t>(); };
    return RowHints{parsed.value.at("state").get<std::string>(), static_cast<std::int64_t>(number("pid")), number("pid_start_time")};
}

std::string read_allowlist_text(const std::string& text) {
    const auto parsed = parse_object(text);
    if (!parsed.problem.empty()) return "unreadable";
    const auto& row = parsed.value;
    const auto list = row.contains("allowed_cidrs") ? row.at("allowed_cidrs") : json();
    if (list.is_null()) return row.contains("network") && row.at("network") == true ? "every address" : "none";
    if (!list.is_array() || list.size() > 3) return "another list";
    // What is no canonical text stands in quotes: a space or a leading zero would be overlooked.
    const auto plain = [](const json& entry) { return entry.is_string() && parse_subnet(entry.get_ref<const std::string&>()); };
    std::string all;
    for (const auto& entry : list) all += (all.empty() ? "" : ", ") + (plain(entry) ? entry.get<std::string>() : shown(entry));
    return all.empty() ? "nothing" : all;
}

std::string row_digest_material(const std::string& text) {
    const auto parsed = parse_object(text);
    if (!parsed.problem.empty()) return text;
    auto kept = parsed.value;
    // created_at stays: another creation is another machine.
    for (const auto* key : {"state", "pid", "pid_start_time", "init_completed", "last_exit_code"}) kept.erase(key);
    // A newer smolvm adds them to the row of an older one, and an older one drops them. That labels are ours is looked at each time.
    const auto unset = expected_record({});
    for (const auto& key : later_row_keys()) {
        if (kept.contains(key) && (key == "labels" || identical(kept.at(key), unset.at(key)))) kept.erase(key);
    }
    if (kept.contains("restart") && kept["restart"].is_object()) kept["restart"].erase("user_stopped");
    return kept.dump();
}

}  // namespace bottle
