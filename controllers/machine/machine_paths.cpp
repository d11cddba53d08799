#include "controllers/machine/machine_paths.h"

#include "controllers/state/digest.h"
#include "reconciler/desired.h"

#include <unistd.h>

namespace bottle {

MachinePaths machine_paths(const std::string& state_folder, const std::string& bottle) {
    constexpr std::size_t kKey = 16;
    constexpr std::size_t kShortKey = 12;
    MachinePaths paths;
    paths.root = state_folder + "/bottles/" + bottle + "/smolvm";
    paths.database = paths.root + "/data/smolvm/server/smolvm.db";
    paths.vm_key = sha256_hex(machine_name(bottle)).substr(0, kKey);
    paths.cache = state_folder + "/vm/" + paths.vm_key.substr(0, kShortKey);
    paths.vm_folder = paths.cache + "/smolvm/vms/" + paths.vm_key;
    paths.uid_claims = paths.cache + "/smolvm/uids";
    paths.image = image_copy_folder(state_folder, bottle, geteuid());
    return paths;
}

std::string longest_socket(const MachinePaths& paths) {
    return paths.vm_folder + "/control.sock";
}

std::vector<std::string> MachinePaths::environment() const {
    return {"HOME=" + root + "/home", "XDG_DATA_HOME=" + root + "/data", "XDG_CACHE_HOME=" + cache, "XDG_RUNTIME_DIR=" + root + "/run",
            "XDG_CONFIG_HOME=" + root + "/config"};
}

std::vector<std::string> MachinePaths::open_folders() const {
    return {root, cache, cache + "/smolvm", cache + "/smolvm/vms", uid_claims, root + "/run", root + "/config", root + "/home"};
}

std::vector<std::string> MachinePaths::private_folders() const {
    return {root + "/data", root + "/data/smolvm", root + "/data/smolvm/server"};
}

}  // namespace bottle
