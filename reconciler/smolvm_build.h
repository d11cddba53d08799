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
    std::map<std::string, std::string> digests;  ///< SHA-256 by file name: the program, libkrun and libkrunfw
    std::int64_t program_size = 0;               ///< bytes; no two builds have the same, so that nobody need be started to tell them apart
    std::string agent_rootfs;                    ///< file name beside the program
    bool json_errors = true;                     ///< knows `--error-format json`; refuses it else, with exit 2
    bool exec_user = true;                       ///< knows `exec --user`
    std::set<std::string> no_resources;          ///< keys of `resources` in agent.config.json that the newest has and this one has not
    bool config_forkable = true;                 ///< agent.config.json says `forkable`
};

/// Oldest first.
const std::vector<SmolvmBuild>& measured_builds();
/// The one whose program has this size in bytes; nothing of an unknown one is trusted: it is taken for the newest, and its digest then differs.
const SmolvmBuild& build_of_size(std::int64_t program_size);
/// "1.8.3, 1.32.2"
std::string measured_versions();

}  // namespace bottle
