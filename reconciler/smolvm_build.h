#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace bottle {

/// A build of smolvm whose confinement was measured (x86_64 wheels of smolmachines on PyPI), and how it differs from the newest of them.
struct SmolvmBuild {
    std::string version;                         ///< as `smolvm --version` says it
    std::map<std::string, std::string> digests;  ///< SHA-256 by file name: the program, libkrun and what that loads from beside it
    std::int64_t program_size = 0;               ///< bytes; no two builds have the same, so that nobody need be started to tell them apart
    std::string agent_rootfs;                    ///< file name beside the program
    bool json_errors = true;                     ///< knows `--error-format json`; refuses it else, with exit 2
    bool exec_user = true;                       ///< knows `exec --user`
    bool exec_input_ends = true;                 ///< without -i, what the command of exec reads is at its end; else the command waits for ever
    bool labels = true;                          ///< knows `create --label`
    bool mounted_sockets = true;                 ///< knows `create --mount-socket`
    bool denial_log = true;                      ///< writes down what its policy refuses; where it does not, a proof rests on the firewall
    std::set<std::string> no_row_keys;           ///< keys of a machine's record that the newest writes and this one does not
    std::set<std::string> no_resources;          ///< keys of `resources` in agent.config.json that the newest has and this one has not
    bool config_forkable = true;                 ///< agent.config.json says `forkable`
    bool tsi = false;                            ///< not measured: named by the host policy, for mode tsi-loopback alone
    bool names_by_flag = true;                   ///< create, update and delete take `--name`, not the bare name (1.0.2)
    bool command_at_create = true;               ///< `machine create … -- COMMAND` (1.0.0)
    bool secret_env = true;                      ///< `exec --secret-env` (1.0.0)
};

/// Oldest first.
const std::vector<SmolvmBuild>& measured_builds();
/// The one whose program has this size in bytes; nothing of an unknown one is trusted: it is taken for the newest, and its digest then differs.
const SmolvmBuild& build_of_size(std::int64_t program_size);
/// What is read in the source of smolvm 0.8.0 to 1.1.2, which no registry of packages has: none of it was tried. `version`: one of those.
SmolvmBuild tsi_build(const std::string& version, std::map<std::string, std::string> digests);
/// "1.4.0, 1.8.3, 1.32.2"
std::string measured_versions();
/// What one of them does not write in a machine's record. The newest takes a missing one for unset; an older one drops those that it does not know.
const std::set<std::string>& later_row_keys();

}  // namespace bottle
