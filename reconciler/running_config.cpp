#include "reconciler/running_config.h"

#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

/// 0.8.0 to 1.1.2 (source).
json expected_on_tsi(const Machine& m) {
    const json resources = {{"cpus", m.cpus}, {"memory_mib", m.memory_mib}, {"network", true}, {"gpu", false}, {"gpu_vram_mib", nullptr},
                            {"storage_gib", m.storage_gib}, {"overlay_gib", m.overlay_gib}, {"allowed_cidrs", json::array({m.allowed_cidr})}};
    return {{"version", 1}, {"mounts", json::array()}, {"ports", json::array()}, {"resources", resources}};
}

json expected_config(const Machine& m, const SmolvmBuild& smolvm) {
    if (m.tsi) return expected_on_tsi(m);
    json resources = {{"cpus", m.cpus}, {"memory_mib", m.memory_mib}, {"network", !m.socket}, {"gpu", false}, {"gpu_vram_mib", nullptr},
                            {"cuda", false}, {"nested_virt", false}, {"rosetta", false}, {"storage_gib", m.storage_gib},
                            {"overlay_gib", m.overlay_gib}, {"block_io", "sync"}, {"disk_durability", "full"},
                            {"allowed_cidrs", m.socket ? json() : json::array({m.allowed_cidr})}, {"dns", nullptr}, {"dns_options", json::array()}, {"shm_size", nullptr}};
    for (const auto& key : smolvm.no_resources) resources.erase(key);
    json config = {{"version", 1}, {"mounts", json::array()}, {"ports", json::array()}, {"resources", resources}};
    if (smolvm.config_forkable) config["forkable"] = false;
    return config;
}

std::string text_of(const json& value) {
    return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

void compare(const std::string& path, const json& is, const json& want, std::vector<RowProblem>& problems) {
    if (!want.is_object() || !is.is_object()) {
        // As written: to nlohmann 1.0 equals 1.
        if (is.dump() != want.dump()) problems.push_back({path, fmt::format("the running machine has {} {}, not {}", path, text_of(is), want.dump()), {}});
        return;
    }
    const auto inner = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
    for (const auto& [key, value] : want.items()) {
        if (is.contains(key)) compare(inner(key), is.at(key), value, problems);
        else problems.push_back({inner(key), fmt::format("the running configuration does not say {}", inner(key)), {}});
    }
    for (const auto& [key, value] : is.items()) {
        if (!want.contains(key)) problems.push_back({inner(key), fmt::format("the running configuration has the unknown key {}", printable(inner(key))), {}});
    }
}

}  // namespace

std::vector<RowProblem> compare_running_config(const std::string& text, const Machine& desired, const SmolvmBuild& smolvm) {
    if (const auto why = distrust_of_object(text); !why.empty()) return {{"", "agent.config.json cannot be trusted: " + why, {}}};
    std::vector<RowProblem> problems;
    compare("", json::parse(text), expected_config(desired, smolvm), problems);
    return problems;
}

}  // namespace bottle
