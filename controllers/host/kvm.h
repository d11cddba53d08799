#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace bottle {

/// What the host's KVM device and processor are like.
struct KvmFacts {
    bool exists = false;
    bool is_device = false;  ///< a character device, not a file that was made by mistake
    unsigned mode = 0;       ///< permission bits
    std::int64_t uid = -1;   ///< owner
    std::int64_t gid = -1;
    bool cpu_can = false;    ///< /proc/cpuinfo has vmx or svm

    /// Whether a process of that uid and those groups, without capabilities, may read and write it: the one class of the mode that applies.
    bool openable_by(std::int64_t process_uid, const std::set<std::int64_t>& process_groups) const;

    bool operator==(const KvmFacts&) const = default;
};

/// Read from this host. `device` and `cpuinfo` are the real paths unless a test says otherwise. Opens nothing but cpuinfo.
KvmFacts read_kvm(const std::string& device = "/dev/kvm", const std::string& cpuinfo = "/proc/cpuinfo");

}  // namespace bottle
