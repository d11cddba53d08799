#pragma once

#include <string>
#include <vector>

namespace bottle {

/// Where one bottle's smolvm keeps its things: a state folder of its own, so that no two bottles share a database, an agent root file
/// system or a lock (layout of smolvm 1.32.2 beneath the XDG folders).
struct MachinePaths {
    std::string root;        ///< <state folder>/bottles/<bottle>/smolvm
    std::string database;    ///< root/data/smolvm/server/smolvm.db
    std::string vm_folder;   ///< root/cache/smolvm/vms/<first 16 hex digits of SHA-256 of the machine's name>
    std::string vm_key;      ///< the last part of vm_folder
    std::string uid_claims;  ///< root/cache/smolvm/uids

    /// HOME and the XDG folders for a call of smolvm.
    std::vector<std::string> environment() const;
    /// Folders to make before the first call, those above first: ones that the VMM's uid may pass, and ones for us alone (rows hold
    /// variables in clear text, and smolvm makes its database with the mode of the moment).
    std::vector<std::string> open_folders() const;
    std::vector<std::string> private_folders() const;
};

/// `bottle_folder`: <state folder>/bottles/<bottle>. `machine`: smolvm's name of it.
MachinePaths machine_paths(const std::string& bottle_folder, const std::string& machine);

}  // namespace bottle
