#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// Processes that look like the VMMs of 1.32.2: argv, uid, environment, mapped libraries. They do nothing, and end by themselves after ten minutes.
namespace stand_in {

/// `_boot-vm FILE`: the VMM's own program.
int boot_vm(const std::string& config);

/// Makes the folder's files and one VMM for it, and returns its pid. `delay_ms`: the VMM waits that long, in a session of its own and under
/// another name, before it becomes one; its pid is 0 then.
std::int64_t start_vmm(const nlohmann::ordered_json& record, int delay_ms);

/// Pids of the VMMs of the folder.
std::vector<std::int64_t> find_vmms(const std::string& folder);
void kill_vmms(const std::string& folder);

/// Field 22 of /proc/PID/stat.
std::uint64_t start_time(std::int64_t pid);

}  // namespace stand_in
