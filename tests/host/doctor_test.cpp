#include "controllers/host/doctor.h"
#include "controllers/host/kvm_guest.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace bottle;

namespace {

/// A host on which everything is as it should be.
DoctorFacts good_host() {
    DoctorFacts facts;
    facts.preflight.is_root = true;
    facts.preflight.euid = 0;
    facts.preflight.smolvm_path = "/usr/bin/smolvm";
    facts.preflight.smolvm_version = "1.32.2";
    facts.preflight.kvm = {true, true, 0660, 0, 108, true};
    facts.preflight.kvm_is_open_to_us = true;
    facts.preflight.longest_socket = "/var/lib/bottle/agent.sock";
    facts.preflight.docker.address = "/var/run/docker.sock";
    facts.preflight.docker.host = DockerHost{"20.10.24", "overlay2", "systemd", "2", true};
    facts.sockets = std::vector<HostSocket>{{"tcp", "127.0.0.1", 25}, {"udp", "0.0.0.0", 68}};
    facts.leftovers = std::vector<Leftover>{};
    return facts;
}

/// The checks of one subject that are not good.
std::vector<HostCheck> findings(const DoctorFacts& facts, const std::string& subject) {
    auto checks = examine(facts);
    checks.erase(std::remove_if(checks.begin(), checks.end(), [&](const HostCheck& check) { return check.subject != subject || check.finding == Finding::Good; }), checks.end());
    return checks;
}

}  // namespace

TEST_CASE("doctor: a good host has nothing but good findings, one at least of each subject") {
    const auto checks = examine(good_host());
    for (const auto& check : checks) CHECK(check.finding == Finding::Good);
    for (const auto* subject : {"Docker", "smolvm", "KVM", "firewall", "state", "listeners", "leftovers"}) {
        CHECK(std::any_of(checks.begin(), checks.end(), [&](const HostCheck& check) { return check.subject == subject; }));
    }
}

TEST_CASE("doctor: what apply would be refused for is bad, with apply's own words and way out") {
    auto facts = good_host();
    facts.preflight.smolvm_path.clear();
    facts.preflight.docker.problem = "connection refused";
    facts.preflight.docker.host.reset();
    facts.preflight.kvm.exists = false;
    const auto problems = check_preflight(facts.preflight);
    REQUIRE(problems.size() == 3);
    for (const auto& problem : problems) {
        const auto checks = examine(facts);
        CHECK(std::any_of(checks.begin(), checks.end(), [&](const HostCheck& check) { return check.finding == Finding::Bad && check.reading == problem.text && check.hint == problem.hint; }));
    }
}

TEST_CASE("doctor: each fact by itself") {
    auto facts = good_host();
    facts.kvm_guest = "KVM_RUN: Function not implemented";
    REQUIRE(findings(facts, "KVM").size() == 1);
    CHECK(findings(facts, "KVM").front().finding == Finding::Bad);
    facts.kvm_guest = "not tried: only known for x86-64";
    CHECK(findings(facts, "KVM").front().finding == Finding::Unknown);

    facts.smolvm_build = "/usr/bin/smolvm is not the program that was measured";
    CHECK(findings(facts, "smolvm").front().finding == Finding::Bad);
    facts.preflight.docker.host->bridge_filter = false;
    CHECK(findings(facts, "Docker").front().hint == "modprobe br_netfilter");
    facts.firewall = "it takes CAP_NET_ADMIN";
    CHECK(findings(facts, "firewall").front().finding == Finding::Note);
    facts.sockets = std::vector<HostSocket>{{"tcp", "0.0.0.0", 22}, {"tcp", "::", 80}};
    CHECK(findings(facts, "listeners").front().reading.find("0.0.0.0:22 [::]:80") != std::string::npos);
    facts.sockets = Unknown{"/proc/net/tcp cannot be read"};
    CHECK(findings(facts, "listeners").front().finding == Finding::Unknown);
    facts.leftovers = Unknown{"Docker does not answer"};
    CHECK(findings(facts, "leftovers").front().finding == Finding::Unknown);
}

TEST_CASE("doctor: what is proved to be ours can be repaired, and anything else is told with the command by hand") {
    auto facts = good_host();
    facts.leftovers = std::vector<Leftover>{{Leftover::Kind::Bottle, "docs", 0, true, false}, {Leftover::Kind::FirewallTable, "", 2'900'004, false, false}, {Leftover::Kind::Bottle, "kept", 0, true, true}};
    const auto found = findings(facts, "leftovers");
    REQUIRE(found.size() == 3);
    CHECK(found[2].finding == Finding::Bad);
    CHECK(found[2].hint.rfind("bottle delete kept", 0) == 0);
    CHECK(found[0].finding == Finding::Bad);
    CHECK(found[0].hint == "bottle doctor --repair");
    CHECK(found[1].finding == Finding::Note);
    CHECK(found[1].hint == "nft delete table inet bottle-2900004");
}

TEST_CASE("a device that is no KVM starts no guest, and it is said why") {
    CHECK(try_kvm_guest("/dev/null").find("API") != std::string::npos);
    CHECK(try_kvm_guest("/nonexistent").find("No such file") != std::string::npos);
}
