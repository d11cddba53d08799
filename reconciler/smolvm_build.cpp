#include "reconciler/smolvm_build.h"

#include <algorithm>

namespace bottle {

const std::vector<SmolvmBuild>& measured_builds() {
    static const std::vector<SmolvmBuild> kBuilds = {
        {"1.8.3",
         {{"smolvm", "5b26cfe562b48dc4c6eef23f3a24b1a85ba7ec0f1578893558478fed1d6e5150"},
          {"libkrun.so", "0f78d6a62ef0deff76a93ae0a7872f93f876a8f2706708ce602b35705898997d"},
          {"libkrunfw.so.5", "9be9aefd0c42c268972ecc352bcfad2ff6a80670cac993e48a9636a0a5dccd19"}},
         31'794'512, "agent-rootfs.tar", false, false, {"nested_virt", "block_io", "disk_durability", "dns_options", "shm_size"}, false},
        {"1.32.2",
         {{"smolvm", "66724605fd2b4b376486dca8650df4c4e0b9c049f51eaae3724fcbadef251c37"},
          {"libkrun.so", "a169be9cf441d3be2078c852aa1a19b94ddd89de7625449feb259d2d972b5c7b"},
          {"libkrunfw.so.5", "233da6b1d9fcb3405e6bb3be9ae50496a27ad7f1c3aba876a0cc7d377eb740be"}},
         41'143'984, "agent-rootfs.tar.zst", true, true, {}, true},
    };
    return kBuilds;
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

}  // namespace bottle
