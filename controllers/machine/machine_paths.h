#pragma once

#include <string>
#include <vector>

namespace bottle {

/// Where one bottle's smolvm keeps its things: a state folder of its own, so that no two bottles share a database, an agent root file
/// system or a lock (layout of smolvm 1.32.2 beneath the XDG folders).
struct MachinePaths {
    std::string root;        ///< <state folder>/bottles/<bottle>/smolvm
    std::string database;    ///< root/data/smolvm/server/smolvm.db
    /// <state folder>/vm/<first 12 hex digits of vm_key>: short, whatever the bottle's name is, for the sockets in it.
    std::string cache;
    std::string vm_folder;   ///< cache/smolvm/vms/<vm_key>
    std::string vm_key;      ///< the first 16 hex digits of SHA-256 of the machine's name
    std::string uid_claims;  ///< cache/smolvm/uids
    std::string image;       ///< the bottle's own copy of its root file system, where it needs one

    /// HOME and the XDG folders for a call of smolvm.
    std::vector<std::string> environment() const;
    /// Folders to make before the first call, those above first: ones that the VMM's uid may pass, and ones for us alone (rows hold
    /// variables in clear text, and smolvm makes its database with the mode of the moment).
    std::vector<std::string> open_folders() const;
    std::vector<std::string> private_folders() const;
};

/// `state_folder`: ours, with those of all bottles.
MachinePaths machine_paths(const std::string& state_folder, const std::string& bottle);
/// The longest path of a socket that smolvm makes there.
std::string longest_socket(const MachinePaths& paths);

}  // namespace bottle
