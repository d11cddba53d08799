#include "controllers/machine/machine_paths.h"

#include "controllers/state/digest.h"

namespace bottle {

MachinePaths machine_paths(const std::string& bottle_folder, const std::string& machine) {
    MachinePaths paths;
    paths.root = bottle_folder + "/smolvm";
    paths.database = paths.root + "/data/smolvm/server/smolvm.db";
    paths.vm_key = sha256_hex(machine).substr(0, 16);
    paths.vm_folder = paths.root + "/cache/smolvm/vms/" + paths.vm_key;
    paths.uid_claims = paths.root + "/cache/smolvm/uids";
    return paths;
}

std::vector<std::string> MachinePaths::environment() const {
    return {"HOME=" + root + "/home", "XDG_DATA_HOME=" + root + "/data", "XDG_CACHE_HOME=" + root + "/cache", "XDG_RUNTIME_DIR=" + root + "/run",
            "XDG_CONFIG_HOME=" + root + "/config"};
}

std::vector<std::string> MachinePaths::open_folders() const {
    return {root, root + "/cache", root + "/cache/smolvm", root + "/cache/smolvm/vms", uid_claims, root + "/run", root + "/config", root + "/home"};
}

std::vector<std::string> MachinePaths::private_folders() const {
    return {root + "/data", root + "/data/smolvm", root + "/data/smolvm/server"};
}

}  // namespace bottle
