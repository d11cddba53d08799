#include "reconciler/vmm_environment.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

/// The variables that a VMM started by bottle has (measured, 1.32.2). Any other may change what smolvm enforces, or which code runs in its place.
bool is_expected(const std::string& variable) {
    static const std::set<std::string> kExpected = {
        "HOME", "PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "SMOLVM_AGENT_ROOTFS_TAR", "SMOLVM_LIB_DIR",
        // Set by smolvm itself on the way to the VMM.
        "LD_LIBRARY_PATH", "KRUN_ENOMEM_RETRY", "KRUN_FIRST_RUN_DELAY", "SMOLVM_BALLOON_RECLAIM", "SMOLVM_BOOT_WATCH_PARENT",
        "SMOLVM_READY_MARKER", "SMOLVM_VM_GID", "SMOLVM_VM_UID"};
    return kExpected.count(variable) > 0;
}

bool starts_with(const std::string& text, const char* prefix) {
    return text.rfind(prefix, 0) == 0;
}

/// smolvm's and the loader's variables by what they do (1.9.3, source; ld.so(8)).
const char* consequence(const std::string& variable) {
    if (variable == "LD_PRELOAD" || variable == "LD_AUDIT") return "foreign code runs in the process that enforces the allowlist";
    if (starts_with(variable, "LD_")) return "other libraries may be loaded than those that were verified";
    if (starts_with(variable, "SMOLVM_EGRESS")) return "another policy than the row's may be enforced";
    if (starts_with(variable, "SMOLVM_PUBLISH")) return "ports of the guest may be open to others than this host";
    if (starts_with(variable, "SMOLVM_") || starts_with(variable, "KRUN_")) return "it may change what smolvm enforces";
    return "no start of ours gives it";
}

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

/// smolvm adds the folder of the program by which it starts itself, and one beneath it: that is /proc/self/exe (1.32.2). Nobody can put a file there.
bool is_the_kernels(const std::string& folder) {
    return folder == "/proc/self" || folder == "/proc/self/lib";
}

/// Where the verified files lie; all of one smolvm lie in one folder.
bool is_verified_folder(const std::string& folder, const std::vector<FileIdentity>& binaries) {
    return std::any_of(binaries.begin(), binaries.end(), [&](const FileIdentity& file) { return folder_of(file.path) == folder; });
}

/// Every entry of a search path, an empty one (the current folder) included.
bool leads_elsewhere(const std::string& path, const std::vector<FileIdentity>& binaries) {
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find(':', begin), path.size());
        const auto folder = path.substr(begin, end - begin);
        if (!is_verified_folder(folder, binaries) && !is_the_kernels(folder)) return true;
        begin = end + 1;
    }
    return false;
}

}  // namespace

std::string environment_doubt(const VmmProcess& vmm, const std::vector<FileIdentity>& binaries) {
    for (const auto& [variable, value] : vmm.environment) {
        if (!is_expected(variable)) return fmt::format("its environment has {}: {}", printable(variable), consequence(variable));
        const bool is_search_path = variable == "LD_LIBRARY_PATH" || variable == "SMOLVM_LIB_DIR";
        if (is_search_path && leads_elsewhere(value, binaries)) {
            return fmt::format("its {} is {}, and the verified libraries lie in {}: others may be loaded than those that were verified", variable, printable(value),
                               binaries.empty() ? "no folder" : printable(folder_of(binaries.front().path)));
        }
    }
    return {};
}

}  // namespace bottle
