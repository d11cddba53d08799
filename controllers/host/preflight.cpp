#include "controllers/host/preflight.h"

#include <fmt/format.h>

#include <grp.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace bottle {
namespace {

void check_smolvm(const PreflightFacts& facts, std::vector<Problem>& problems) {
    if (facts.smolvm_path.empty()) {
        problems.push_back({{}, "smolvm is not on PATH: it runs the machine",
                            fmt::format("python3 -m pip download --no-deps smolmachines=={0}, unzip it, and put smol/smol-vmm on PATH as smolvm beside its libraries", kSupportedSmolvm),
                            ""});
        return;
    }
    if (facts.smolvm_version.empty()) {
        problems.push_back({{}, fmt::format("{} does not say its version: {}", facts.smolvm_path, facts.smolvm_problem), "", ""});
    } else if (facts.smolvm_version != kSupportedSmolvm) {
        problems.push_back({{}, fmt::format("{} is version {}, and this bottle supports {}: confinement differs by version", facts.smolvm_path,
                                            printable(facts.smolvm_version), kSupportedSmolvm),
                            fmt::format("put smolvm {} first on PATH", kSupportedSmolvm), ""});
    }
}

void check_kvm(const PreflightFacts& facts, std::vector<Problem>& problems) {
    const auto& kvm = facts.kvm;
    if (!kvm.exists || !kvm.is_device) {
        problems.push_back({{}, "/dev/kvm is missing: the machine needs the kernel's virtualization",
                            kvm.cpu_can ? "modprobe kvm-intel   or   modprobe kvm-amd"
                                        : "this processor shows no vmx or svm: switch virtualization on in the BIOS or firmware (in a virtual machine: nested virtualization), then modprobe kvm-intel or kvm-amd",
                            ""});
        return;
    }
    // smolvm drops root before it opens the device: its process has a uid of its own and the device's group (1.32.2).
    const bool group_may = (kvm.mode & 0060) == 0060 && kvm.gid > 0;
    const bool all_may = (kvm.mode & 0006) == 0006;
    if (group_may || all_may) return;
    problems.push_back({{}, fmt::format("/dev/kvm is there and the VMM cannot open it: it runs as uid {}, in the device's group, and the mode is {:04o}", facts.vmm_uid, kvm.mode & 07777),
                        "chgrp kvm /dev/kvm && chmod 660 /dev/kvm   (where there is no group kvm: groupadd --system kvm)", ""});
}

void check_docker(const PreflightFacts& facts, std::vector<Problem>& problems) {
    const auto& docker = facts.docker;
    if (!docker.problem.empty()) {
        problems.push_back({{}, fmt::format("Docker does not answer at {}: {}", docker.address, docker.problem), "systemctl start docker   or set DOCKER_HOST=unix:///path/to/docker.sock", ""});
        return;
    }
    if (docker.desktop) problems.push_back({{}, "this is Docker Desktop: its networks are in a machine of its own, where no VM of this host can reach them", "install Docker Engine natively", ""});
    if (docker.rootless || docker.socket_owner != 0) {
        problems.push_back({{}, "this Docker runs rootless: its networks are in a namespace of their own, where no VM of this host can reach them", "use the system's Docker: DOCKER_HOST=unix:///var/run/docker.sock", ""});
    } else if (!docker.same_network_namespace) {
        problems.push_back({{}, "this Docker runs in another network namespace than bottle: its bridges are not this host's", "run bottle where dockerd runs", ""});
    }
}

void check_image(const PreflightFacts& facts, std::vector<Problem>& problems) {
    for (const auto& folder : facts.impassable) {
        problems.push_back({{}, fmt::format("the VMM (uid {}) cannot pass {} on the way to the image {}", facts.vmm_uid, folder, facts.image), "chmod o+rx " + folder, ""});
    }
    if (facts.image_writable) {
        problems.push_back({{}, fmt::format("the image {} can be written by the VMM (uid {})", facts.image, facts.vmm_uid), "chmod o-w " + facts.image, ""});
    }
}

struct Access {
    bool enter = false;
    bool read = false;
    bool write = false;
};

Access access_of(const std::string& folder, std::int64_t uid) {
    struct stat info {};
    if (stat(folder.c_str(), &info) != 0) return {};
    const unsigned bits = static_cast<std::int64_t>(info.st_uid) == uid ? info.st_mode >> 6 & 7 : info.st_mode & 7;
    return {(bits & 1) != 0, (bits & 4) != 0, (bits & 2) != 0};
}

}  // namespace

std::vector<Problem> check_preflight(const PreflightFacts& facts) {
    std::vector<Problem> problems;
    if (!facts.is_root) {
        problems.push_back({{}, "this version of bottle runs as root only: it gives each machine a uid of its own, and seals its folder", "sudo bottle …", ""});
    }
    check_smolvm(facts, problems);
    check_kvm(facts, problems);
    check_docker(facts, problems);
    check_image(facts, problems);
    return problems;
}

PreflightFacts::Kvm read_kvm(const std::string& device, const std::string& cpuinfo) {
    PreflightFacts::Kvm kvm;
    struct stat info {};
    if (stat(device.c_str(), &info) == 0) {
        kvm.exists = true;
        kvm.is_device = S_ISCHR(info.st_mode);
        kvm.mode = info.st_mode & 07777;
        kvm.gid = info.st_gid;
        if (const auto* group = getgrgid(info.st_gid)) kvm.group = group->gr_name;
    }
    std::ifstream stream(cpuinfo);
    for (std::string word; stream >> word;) {
        if (word == "vmx" || word == "svm") kvm.cpu_can = true;
    }
    return kvm;
}

std::vector<std::string> impassable_folders(const std::string& folder, std::int64_t uid) {
    std::vector<std::string> impassable;
    std::filesystem::path path;
    for (const auto& part : std::filesystem::path(folder)) {
        path /= part;
        const auto access = access_of(path, uid);
        const bool last = path == std::filesystem::path(folder);
        if (!access.enter || (last && !access.read)) impassable.push_back(path);
    }
    return impassable;
}

bool writable_by(const std::string& folder, std::int64_t uid) {
    return access_of(folder, uid).write;
}

}  // namespace bottle
