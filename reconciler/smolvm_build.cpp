#include "reconciler/smolvm_build.h"

#include <algorithm>

namespace bottle {

const std::vector<SmolvmBuild>& measured_builds() {
    static const std::vector<SmolvmBuild> kBuilds = {
        {.version = "1.4.0",
         .digests = {{"smolvm", "a57b81233e5c2dbec6e6bad98606e45e813b31bb7c32641fb369f4729a31eb4f"},
                     {"libkrun.so", "0cc277ef6e9362f8d3c5ce4207da275345c256c47b9bcf9af3c5f544a55c8f30"},
                     {"libkrunfw.so.5", "4457da98849d6ddc5021bce34798676aa8c446e1cdfe3714a8aeb04046a1e53b"},
                     {"smol_virgl_stub.so", "bb3da7ede3773dfef4f7258c442e393589fca89869aa617617b581018f6676d2"}},
         .program_size = 27'320'928,
         .agent_rootfs = "agent-rootfs.tar",
         .json_errors = false,
         .exec_user = false,
         .exec_input_ends = false,
         .labels = false,
         .mounted_sockets = false,
         .denial_log = false,
         .no_row_keys = {"block_io", "disk_durability", "staged_mounts", "staged_mounts_detached_from", "nested_virt", "remote_volumes", "published_sockets",
                         "rosetta", "labels", "docker_socket", "runtime_managed"},
         .no_resources = {"nested_virt", "block_io", "disk_durability", "dns_options", "shm_size", "cuda", "rosetta"},
         .config_forkable = false},
        {.version = "1.8.3",
         .digests = {{"smolvm", "5b26cfe562b48dc4c6eef23f3a24b1a85ba7ec0f1578893558478fed1d6e5150"},
                     {"libkrun.so", "0f78d6a62ef0deff76a93ae0a7872f93f876a8f2706708ce602b35705898997d"},
                     {"libkrunfw.so.5", "9be9aefd0c42c268972ecc352bcfad2ff6a80670cac993e48a9636a0a5dccd19"}},
         .program_size = 31'794'512,
         .agent_rootfs = "agent-rootfs.tar",
         .json_errors = false,
         .exec_user = false,
         .exec_input_ends = false,
         .no_row_keys = {"block_io", "disk_durability", "staged_mounts", "staged_mounts_detached_from", "nested_virt", "remote_volumes"},
         .no_resources = {"nested_virt", "block_io", "disk_durability", "dns_options", "shm_size"},
         .config_forkable = false},
        {.version = "1.32.2",
         .digests = {{"smolvm", "66724605fd2b4b376486dca8650df4c4e0b9c049f51eaae3724fcbadef251c37"},
                     {"libkrun.so", "a169be9cf441d3be2078c852aa1a19b94ddd89de7625449feb259d2d972b5c7b"},
                     {"libkrunfw.so.5", "233da6b1d9fcb3405e6bb3be9ae50496a27ad7f1c3aba876a0cc7d377eb740be"}},
         .program_size = 41'143'984,
         .agent_rootfs = "agent-rootfs.tar.zst",
         .no_row_keys = {},
         .no_resources = {}},
    };
    return kBuilds;
}

SmolvmBuild tsi_build(const std::string& version, std::map<std::string, std::string> digests) {
    SmolvmBuild build;
    build.version = version;
    build.digests = std::move(digests);
    build.agent_rootfs = "agent-rootfs.tar";
    build.json_errors = false;
    build.exec_user = false;
    build.exec_input_ends = false;
    build.config_forkable = false;
    build.tsi = true;
    build.labels = false;
    build.mounted_sockets = false;
    build.denial_log = false;
    const bool from_1_0 = version.rfind("0.", 0) != 0;
    build.names_by_flag = from_1_0 && version != "1.0.0" && version != "1.0.1";
    build.command_at_create = from_1_0;
    build.secret_env = from_1_0;
    return build;
}

const SmolvmBuild& build_of_size(std::int64_t program_size) {
    const auto& all = measured_builds();
    const auto found = std::find_if(all.begin(), all.end(), [&](const SmolvmBuild& build) { return build.program_size == program_size; });
    return found == all.end() ? all.back() : *found;
}

std::string measured_versions() {
    std::string all;
    for (const auto& build : measured_builds()) all += (all.empty() ? "" : ", ") + build.version;
    return all;
}

const std::set<std::string>& later_row_keys() {
    static const std::set<std::string> kKeys = [] {
        std::set<std::string> keys;
        for (const auto& build : measured_builds()) keys.insert(build.no_row_keys.begin(), build.no_row_keys.end());
        return keys;
    }();
    return kKeys;
}

}  // namespace bottle
