#include "reconciler/running_config.h"

#include "reconciler/strict_json.h"

#include <fmt/format.h>

namespace bottle {
namespace {

using nlohmann::json;

json expected_config(const Machine& m) {
    const json resources = {{"cpus", m.cpus}, {"memory_mib", m.memory_mib}, {"network", true}, {"gpu", false}, {"gpu_vram_mib", nullptr},
                            {"cuda", false}, {"nested_virt", false}, {"rosetta", false}, {"storage_gib", m.storage_gib},
                            {"overlay_gib", m.overlay_gib}, {"block_io", "sync"}, {"disk_durability", "full"},
                            {"allowed_cidrs", json::array({m.allowed_cidr})}, {"dns", nullptr}, {"dns_options", json::array()}, {"shm_size", nullptr}};
    return {{"version", 1}, {"mounts", json::array()}, {"ports", json::array()}, {"resources", resources}, {"forkable", false}};
}

void compare(const std::string& path, const json& is, const json& want, std::vector<RowProblem>& problems) {
    if (!want.is_object() || !is.is_object()) {
        if (is != want) problems.push_back({path, fmt::format("the running machine has {} {}, not {}", path, is.dump(), want.dump()), {}});
        return;
    }
    for (const auto& [key, value] : want.items()) {
        const auto inner = path.empty() ? key : path + "." + key;
        if (is.contains(key)) compare(inner, is.at(key), value, problems);
        else problems.push_back({inner, fmt::format("the running configuration does not say {}", inner), {}});
    }
    for (const auto& [key, value] : is.items()) {
        if (!want.contains(key)) problems.push_back({key, fmt::format("the running configuration has the unknown key {}", key), {}});
    }
}

}  // namespace

std::vector<RowProblem> compare_running_config(const std::string& text, const Machine& desired) {
    const auto parsed = parse_strict_json(text, 1 << 20, 32);
    if (!parsed.problem.empty() || !parsed.value.is_object()) return {{"", "agent.config.json cannot be trusted: " + parsed.problem, {}}};
    std::vector<RowProblem> problems;
    compare("", parsed.value, expected_config(desired), problems);
    return problems;
}

}  // namespace bottle
