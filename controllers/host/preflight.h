#pragma once

#include "manifests/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bottle {

/// What a host must have before anything is made on it. Plain facts; `check_preflight` thinks.
struct PreflightFacts {
    bool is_root = false;

    std::string smolvm_path;     ///< empty: not on PATH
    std::string smolvm_version;  ///< as it prints it; empty: it did not answer
    std::string smolvm_problem;  ///< why it did not

    struct Kvm {
        bool exists = false;
        bool is_device = false;
        unsigned mode = 0;
        std::int64_t gid = -1;
        std::string group;          ///< its name; empty: none
        bool cpu_can = false;       ///< /proc/cpuinfo has vmx or svm
    } kvm;

    struct Docker {
        std::string address;  ///< the socket's path
        std::string problem;  ///< not empty: it does not answer, and why
        bool rootless = false;
        bool desktop = false;
        bool same_network_namespace = true;
        std::int64_t socket_owner = 0;  ///< uid of the process behind the socket
    } docker;

    std::string image;                      ///< the root file system's folder
    std::vector<std::string> impassable;    ///< folders that the VMM's uid cannot pass, outermost first
    bool image_writable = false;            ///< the VMM's uid could write in the image folder
    std::int64_t vmm_uid = 0;
};

/// The smolvm version that this bottle was measured with; others are refused.
inline constexpr const char* kSupportedSmolvm = "1.32.2";

/// Everything that stands in the way, each with a remedy that exists; empty if nothing.
std::vector<Problem> check_preflight(const PreflightFacts& facts);

/// The KVM part of the facts, read from this host. `device` and `cpuinfo` are the real paths unless a test says otherwise.
PreflightFacts::Kvm read_kvm(const std::string& device = "/dev/kvm", const std::string& cpuinfo = "/proc/cpuinfo");

/// Folders from / to `folder` that a process of `uid`, in no group that matters, cannot enter (or, for the last one, read).
std::vector<std::string> impassable_folders(const std::string& folder, std::int64_t uid);
/// Whether such a process could make or remove entries in `folder`.
bool writable_by(const std::string& folder, std::int64_t uid);

}  // namespace bottle
