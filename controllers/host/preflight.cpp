#include "controllers/host/preflight.h"

#include "reconciler/smolvm_build.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

Problem problem(std::string text, std::string hint) {
    return {{}, std::move(text), std::move(hint), {}};
}

/// A path as one word of a command to type.
std::string quoted(const std::string& path) {
    constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@%:,";
    if (path.find_first_not_of(kPlain) == std::string::npos) return path;
    std::string word = "'";
    for (const char c : path) word += c == '\'' ? "'\\''" : std::string(1, c);
    return printable(word + "'");
}

std::string vmm(const PreflightFacts& facts) {
    if (!facts.is_root) return fmt::format("the VMM (your own uid {})", facts.euid);
    return facts.vmm_uid > 0 ? fmt::format("the VMM (uid {})", facts.vmm_uid) : "the VMM (a uid of its own)";
}

void check_smolvm(const PreflightFacts& facts, std::vector<Problem>& problems) {
    const auto& builds = measured_builds();
    const auto& newest = builds.back().version;
    const bool measured = std::any_of(builds.begin(), builds.end(), [&](const SmolvmBuild& build) { return build.version == facts.smolvm_version; });
    const bool accepted = !facts.smolvm_accepted.empty() && facts.smolvm_accepted == facts.smolvm_version;
    const auto other = facts.smolvm_named.empty() ? fmt::format("put smolvm {} first on PATH", newest) : fmt::format("name smolvm {} there", newest);
    if (facts.smolvm_path.empty() && !facts.smolvm_named.empty()) {
        problems.push_back(problem(fmt::format("this bottle's machine needs the program smolvm, and the one that the host policy names is none: {}", printable(facts.smolvm_named)),
                                   fmt::format("{} (python3 -m pip download --no-deps smolmachines=={})", other, newest)));
    } else if (facts.smolvm_path.empty()) {
        problems.push_back(problem("this bottle's machine needs the program smolvm on PATH, and no absolute folder of PATH has it",
                                   fmt::format("python3 -m pip download --no-deps smolmachines=={}, unzip it, and put smol/smol-vmm on PATH as smolvm, executable, beside its libraries",
                                               newest)));
    } else if (facts.smolvm_version.empty()) {
        problems.push_back(problem(fmt::format("{} does not say its version: {}", printable(facts.smolvm_path), facts.smolvm_problem),
                                   fmt::format("{} --version   should print: smolvm {}", quoted(facts.smolvm_path), newest)));
    } else if (!measured && !accepted) {
        problems.push_back(problem(fmt::format("{} is version {}, and this bottle supports {}: what confines a machine differs by version",
                                               printable(facts.smolvm_path), printable(facts.smolvm_version), measured_versions()),
                                   fmt::format("{} (python3 -m pip download --no-deps smolmachines=={})", other, newest)));
    }
}

/// smolvm drops root before it opens the device: the VMM has a uid of its own and, beside it, only the device's group (1.32.2, measured).
/// Whether it would give away group root was not measured, so that does not count. Started by another user it keeps that user's uid and groups.
bool vmm_may_open(const PreflightFacts& facts) {
    if (!facts.is_root) return facts.kvm_is_open_to_us;
    constexpr std::int64_t kNobodyYet = -2;
    const std::set<std::int64_t> groups = facts.kvm.gid > 0 ? std::set<std::int64_t>{facts.kvm.gid} : std::set<std::int64_t>{};
    return facts.kvm.openable_by(facts.vmm_uid > 0 ? facts.vmm_uid : kNobodyYet, groups);
}

void check_kvm(const PreflightFacts& facts, std::vector<Problem>& problems) {
    const auto& kvm = facts.kvm;
    if (!kvm.exists) {
        problems.push_back(problem("/dev/kvm is missing: the machine needs the kernel's virtualization",
                                   kvm.cpu_can ? "modprobe kvm-intel   or   modprobe kvm-amd; if that fails, switch virtualization on in the BIOS or firmware"
                                               : "the processor shows neither vmx nor svm: switch virtualization on in the BIOS or firmware (on a virtual host: nested "
                                                 "virtualization), then modprobe kvm-intel or modprobe kvm-amd"));
    } else if (!kvm.is_device) {
        problems.push_back(problem("/dev/kvm is there, but it is no character device", "rm /dev/kvm, then modprobe kvm-intel or modprobe kvm-amd"));
    } else if (!vmm_may_open(facts) && !facts.is_root) {
        problems.push_back(problem(fmt::format("/dev/kvm is there, but you (uid {}) cannot open it: the device is {}:{} {:04o}", facts.euid, kvm.uid, kvm.gid, kvm.mode & 07777),
                                   kvm.gid > 0 ? fmt::format("sudo usermod -aG $(getent group {} | cut -d: -f1) $(id -un)   then log in again", kvm.gid)
                                               : "sudo groupadd --system kvm; sudo usermod -aG kvm $(id -un); sudo chgrp kvm /dev/kvm && sudo chmod 660 /dev/kvm   then log in again"));
    } else if (!vmm_may_open(facts)) {
        problems.push_back(problem(fmt::format("/dev/kvm is there, but {} cannot open it: beside its uid it has only the device's group, and the device is {}:{} {:04o}",
                                               vmm(facts), kvm.uid, kvm.gid, kvm.mode & 07777),
                                   "chgrp kvm /dev/kvm && chmod 660 /dev/kvm   (where there is no group kvm: groupadd --system kvm)"));
    }
}

/// smolvm refuses to start a machine with a longer one (1.32.2), after everything else was made.
void check_state_folder(const PreflightFacts& facts, std::vector<Problem>& problems) {
    const auto size = facts.longest_socket.size();
    if (size <= kMaxSocketPath) return;
    problems.push_back(problem(fmt::format("our state folder has too long a path: {} would have {} bytes, and a socket's path can have {}", printable(facts.longest_socket), size,
                                           kMaxSocketPath),
                               facts.is_root ? "export XDG_STATE_HOME=/var/lib   or another short path" : "export XDG_STATE_HOME=$HOME/.s   or another short path of your own"));
}

/// How the socket is said that shall be used.
std::string docker_at(const PreflightFacts::Docker& docker, const std::string& socket) {
    if (docker.named.empty()) return "DOCKER_HOST=unix://" + socket;
    return fmt::format("docker: {{host: \"unix://{}\"}}, at {}", socket, docker.named);
}

void check_docker(const PreflightFacts& facts, std::vector<Problem>& problems) {
    const auto& docker = facts.docker;
    if (docker.not_permitted) {
        problems.push_back(problem(fmt::format("Docker does not answer at {}: {}", printable(docker.address), printable(docker.problem)),
                                   "sudo usermod -aG docker $(id -un)   then log in again; whoever is in that group is as good as root"));
    } else if (docker.refused) {
        problems.push_back(problem(printable(docker.problem), "apt-get install docker.io   or set " + docker_at(docker, "/path/to/docker.sock")));
    } else if (!docker.problem.empty()) {
        problems.push_back(problem(fmt::format("Docker does not answer at {}: {}", printable(docker.address), printable(docker.problem)),
                                   "systemctl start docker   or set " + docker_at(docker, "/path/to/docker.sock")));
    } else if (docker.desktop) {
        problems.push_back(problem("this is Docker Desktop: its networks are in a machine of its own, where no VM of this host can reach them", "install Docker Engine natively"));
    } else if (docker.socket_owner < 0) {
        problems.push_back(problem(fmt::format("who serves Docker at {} cannot be told: its networks may not be this host's", printable(docker.address)),
                                   "use the system's Docker: " + docker_at(docker, "/var/run/docker.sock")));
    } else if (docker.rootless || docker.socket_owner != 0) {
        problems.push_back(problem("this Docker runs rootless: its networks are in a namespace of their own, where no VM of this host can reach them",
                                   "use the system's Docker: " + docker_at(docker, "/var/run/docker.sock")));
        // Where that is hidden from a user who is not root, the proof tells it: the kernel must route to the bridge of our network's own id.
    } else if (!docker.same_network_namespace.value_or(!facts.is_root)) {
        problems.push_back(problem("this Docker runs in another network namespace than bottle: its bridges are not this host's", "run bottle where dockerd runs"));
    }
}

void check_image(const PreflightFacts& facts, std::vector<Problem>& problems) {
    // Without root, the bottle gets a copy of its own, made by us.
    const auto reader = facts.is_root ? vmm(facts) : fmt::format("you (uid {})", facts.euid);
    const auto* whose = facts.is_root ? "its image" : "the machine's image";
    for (const auto& blocked : facts.impassable) {
        if (!blocked.there) {
            problems.push_back(problem(fmt::format("the image {}: there is no folder {}", printable(facts.image), printable(blocked.folder)), {}));
            continue;
        }
        problems.push_back(problem(fmt::format("{} cannot {} {}{}", reader, blocked.needs_read ? "read" : "pass", printable(blocked.folder),
                                               blocked.needs_read ? fmt::format(", {}", whose) : fmt::format(" on the way to {} {}", whose, printable(facts.image))),
                                   fmt::format("chmod o+{} {}   or move the image to where everybody may pass", blocked.needs_read ? "rx" : "x", quoted(blocked.folder))));
    }
    if (facts.image_writable) {
        problems.push_back(problem(fmt::format("{} could write its own image {}: a guest that breaks out would change what the next start runs", vmm(facts), printable(facts.image)),
                                   fmt::format("chown root:root {0} && chmod go-w {0}", quoted(facts.image))));
    }
}

}  // namespace

PreflightProblems preflight_problems(const PreflightFacts& facts) {
    PreflightProblems problems;
    check_smolvm(facts, problems.smolvm);
    check_kvm(facts, problems.kvm);
    check_state_folder(facts, problems.state_folder);
    check_docker(facts, problems.docker);
    check_image(facts, problems.image);
    return problems;
}

std::vector<Problem> check_preflight(const PreflightFacts& facts) {
    const auto by_subject = preflight_problems(facts);
    std::vector<Problem> all;
    for (const auto* some : {&by_subject.smolvm, &by_subject.kvm, &by_subject.state_folder, &by_subject.docker, &by_subject.image}) all.insert(all.end(), some->begin(), some->end());
    return all;
}

}  // namespace bottle
