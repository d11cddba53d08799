#include "reconciler/events.h"

#include "manifests/stored_manifest.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

std::string shown(const json& value) {
    constexpr std::size_t kLongest = 60;
    const auto text = value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
    return text.size() > kLongest ? "…" : text;
}

/// The containers of a bundle are told apart by their names, not by where they stand in the list.
json by_name(const json& list) {
    json named = json::object();
    for (const auto& item : list) named[item.at("name").get<std::string>()] = item;
    return named;
}

bool is_named_list(const json& value) {
    return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), [](const json& item) {
        return item.is_object() && item.contains("name") && item["name"].is_string();
    });
}

void compare(const std::string& path, const json& before, const json& after, std::vector<std::string>& changes);

void compare_members(const std::string& path, const json& before, const json& after, std::vector<std::string>& changes) {
    auto under = [&path](const std::string& key) { return path.empty() ? key : path + "." + key; };
    for (const auto& [key, value] : before.items()) {
        if (!is_place(key) && !after.contains(key)) changes.push_back(under(key) + ": removed");
    }
    for (const auto& [key, value] : after.items()) {
        if (is_place(key)) continue;
        if (before.contains(key)) compare(under(key), before.at(key), value, changes);
        else changes.push_back(under(key) + ": added");
    }
}

void compare(const std::string& path, const json& before, const json& after, std::vector<std::string>& changes) {
    if (before == after) return;
    const bool lists = (is_named_list(before) || before == json::array()) && (is_named_list(after) || after == json::array());
    if (lists) compare_members(path, by_name(before), by_name(after), changes);
    else if (path.ends_with(".env")) changes.push_back(path + ": changed");
    else if (before.is_object() && after.is_object()) compare_members(path, before, after, changes);
    else changes.push_back(fmt::format("{}: {} → {}", path, shown(before), shown(after)));
}

std::vector<std::string> changes_between(const std::string& before, const std::string& after) {
    const auto from = json::parse(before, nullptr, false);
    const auto to = json::parse(after, nullptr, false);
    if (!from.is_object() || !to.is_object()) return {"a manifest of another version of bottle: what it changed cannot be told"};
    std::vector<std::string> changes;
    compare("", from, to, changes);
    return changes;
}

/// The last transition of Ready that came with this revision or after it, and before the next.
std::string ready_after(const std::vector<Transition>& transitions, const std::string& from, const std::string& until) {
    std::string ready;
    for (const auto& change : transitions) {
        if (change.type != "Ready" || change.time < from || (!until.empty() && change.time >= until)) continue;
        ready = change.message.empty() ? change.status : fmt::format("{}: {}", change.status, change.message);
    }
    return ready;
}

}  // namespace

std::vector<HistoryLine> history(const Records& records) {
    std::vector<HistoryLine> lines;
    const auto& all = records.revisions;
    for (std::size_t i = 0; i < all.size(); ++i) {
        HistoryLine line{all[i].generation, all[i].time, {}, i == 0, {}};
        if (i > 0) line.changes = changes_between(all[i - 1].manifest, all[i].manifest);
        line.ready = ready_after(records.transitions, all[i].time, i + 1 < all.size() ? all[i + 1].time : "");
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace bottle
