#include "controllers/host/doctor.h"

#include "reconciler/firewall.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace bottle {
namespace {

class Examination {
public:
    explicit Examination(const DoctorFacts& facts) : facts_(facts), problems_(preflight_problems(facts.preflight)) {}

    std::vector<HostCheck> run() {
        docker();
        smolvm();
        kvm();
        firewall();
        state_folder();
        listeners();
        leftovers();
        return std::move(checks_);
    }

private:
    void add(std::string subject, Finding finding, std::string reading, std::string hint = {}) {
        checks_.push_back({std::move(subject), finding, std::move(reading), std::move(hint)});
    }

    bool add_problems(const std::string& subject, const std::vector<Problem>& problems) {
        for (const auto& problem : problems) add(subject, Finding::Bad, problem.text, problem.hint);
        return !problems.empty();
    }

    void docker() {
        if (add_problems("Docker", problems_.docker) || !facts_.preflight.docker.host) return;
        const auto& host = *facts_.preflight.docker.host;
        add("Docker", Finding::Good, fmt::format("{}, native, at {}", printable(host.version), printable(facts_.preflight.docker.address)));
        add("Docker", Finding::Good, fmt::format("storage {}, cgroup v{} ({})", printable(host.storage_driver), printable(host.cgroup_version), printable(host.cgroup_driver)));
        if (host.bridge_filter) return add("Docker", Finding::Good, "its firewall sees what its bridges carry");
        // Between containers of one bridge alone; what keeps an internal network in is the forwarding between bridges.
        add("Docker", Finding::Note, "the kernel's firewall does not see what passes within a bridge", "modprobe br_netfilter");
    }

    void smolvm() {
        if (add_problems("smolvm", problems_.smolvm)) return;
        if (!facts_.smolvm_build.empty()) return add("smolvm", Finding::Bad, facts_.smolvm_build, "take it, with its libraries, from PyPI's wheel smolmachines again");
        add("smolvm", Finding::Good, fmt::format("{} is {}, and its libraries are those that were measured", printable(facts_.preflight.smolvm_path), facts_.preflight.smolvm_version));
    }

    void kvm() {
        if (add_problems("KVM", problems_.kvm)) return;
        if (facts_.kvm_guest.empty()) return add("KVM", Finding::Good, "/dev/kvm starts a guest");
        if (facts_.kvm_guest.rfind("not tried", 0) == 0) return add("KVM", Finding::Unknown, "a guest was " + facts_.kvm_guest);
        add("KVM", Finding::Bad, "/dev/kvm starts no guest: " + facts_.kvm_guest, "on a virtual host: switch nested virtualization on; dmesg shows more");
    }

    void firewall() {
        if (facts_.firewall.empty()) return add("firewall", Finding::Good, "nftables can be used: each machine has rules of its own");
        add("firewall", Finding::Note, "no machine has rules of its own: " + facts_.firewall, "run bottle as root; network.firewall: required   in a manifest does without no longer");
    }

    void state_folder() {
        if (!add_problems("state", problems_.state_folder)) add("state", Finding::Good, "paths are short enough for sockets");
    }

    /// The guest reaches its bundle alone; what is in the bundle reaches its gateways, and so whatever listens everywhere.
    void listeners() {
        if (!facts_.sockets.present()) return add("listeners", Finding::Unknown, facts_.sockets.unknown() ? facts_.sockets.why() : "there is no table of sockets");
        std::set<std::string> everywhere;
        for (const auto& socket : *facts_.sockets) {
            if (socket.protocol != "tcp") continue;
            if (socket.address == "0.0.0.0") everywhere.insert(fmt::format("0.0.0.0:{}", socket.port));
            if (socket.address == "::") everywhere.insert(fmt::format("[::]:{}", socket.port));
        }
        if (everywhere.empty()) return add("listeners", Finding::Good, "nothing on this host listens on every address");
        add("listeners", Finding::Note, fmt::format("a bundle's containers reach what listens on every address: {}", fmt::join(everywhere, " ")),
            "ss -tlnp   shows whose they are; let them listen on an address of their own");
    }

    void leftovers() {
        if (facts_.leftovers.unknown()) return add("leftovers", Finding::Unknown, facts_.leftovers.why());
        if (!facts_.leftovers.present() || facts_.leftovers->empty()) return add("leftovers", Finding::Good, "nothing of ours is left that our records do not know");
        for (const auto& left : *facts_.leftovers) {
            const auto unknown = in_words(left) + " is ours, and our records do not know it";
            if (left.ours && left.has_data) add("leftovers", Finding::Bad, unknown, fmt::format("bottle delete {}   removes it, with its disks and volumes", printable(left.name)));
            else if (left.ours) add("leftovers", Finding::Bad, unknown, "bottle doctor --repair");
            else add("leftovers", Finding::Note, in_words(left) + " has a name like ours, and nobody says whose it is", fmt::format("nft delete table inet {}", firewall_table(left.uid)));
        }
    }

    const DoctorFacts& facts_;
    PreflightProblems problems_;
    std::vector<HostCheck> checks_;
};

}  // namespace

std::vector<HostCheck> examine(const DoctorFacts& facts) {
    return Examination(facts).run();
}

std::string in_words(const Leftover& leftover) {
    switch (leftover.kind) {
        case Leftover::Kind::Bottle: return "bottle " + printable(leftover.name);
        case Leftover::Kind::FirewallTable: return "the firewall table " + firewall_table(leftover.uid);
        case Leftover::Kind::Uid: return fmt::format("the hold on uid {} of bottle {}", leftover.uid, printable(leftover.name));
    }
    return "?";
}

}  // namespace bottle
