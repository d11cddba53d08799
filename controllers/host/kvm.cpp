#include "controllers/host/kvm.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

namespace bottle {
namespace {

/// "flags : fpu vme … vmx …": one such line a processor; all have the same.
bool has_virtualization(const std::string& cpuinfo) {
    std::ifstream stream(cpuinfo);
    for (std::string line; std::getline(stream, line);) {
        std::istringstream words(line);
        std::string word;
        if (!(words >> word) || word != "flags") continue;
        while (words >> word) {
            if (word == "vmx" || word == "svm") return true;
        }
        return false;
    }
    return false;
}

}  // namespace

bool KvmFacts::openable_by(std::int64_t process_uid, const std::set<std::int64_t>& process_groups) const {
    constexpr unsigned kReadWrite = 06;
    const unsigned shift = process_uid == uid ? 6 : process_groups.count(gid) != 0 ? 3 : 0;
    return exists && is_device && (mode >> shift & kReadWrite) == kReadWrite;
}

KvmFacts read_kvm(const std::string& device, const std::string& cpuinfo) {
    KvmFacts kvm;
    kvm.cpu_can = has_virtualization(cpuinfo);
    struct stat info {};
    if (stat(device.c_str(), &info) != 0) return kvm;
    kvm.exists = true;
    kvm.is_device = S_ISCHR(info.st_mode);
    kvm.mode = info.st_mode & 07777;
    kvm.uid = info.st_uid;
    kvm.gid = info.st_gid;
    return kvm;
}

}  // namespace bottle
