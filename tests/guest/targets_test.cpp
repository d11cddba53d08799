#include "controllers/guest/targets.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

using namespace bottle;
using Kind = ProbeTarget::Kind;
using Expect = ProbeTarget::Expect;

namespace {

Surroundings around() {
    Surroundings made;
    made.bundle_address = "10.231.0.2";
    made.ports = {{"egress", "proxy", 9099}, {"git", "gate", 9418}};
    made.internal_gateway = "10.231.0.1";
    made.external_gateway = "10.232.0.1";
    made.host_addresses = {{"eth0", "192.0.2.7"}, {"eth1", "192.0.2.8"}, {"eth0", "2001:db8:1::7"}, {"lo", "::1"}};
    made.neighbours = {{"other", "10.231.0.9"}, {"third", "10.231.0.17"}, {"fourth", "10.231.0.25"}};
    return made;
}

std::vector<PlannedTarget> plan(const Surroundings& surroundings) {
    int number = 0;
    return plan_targets(surroundings, [&number] { return "hex" + std::to_string(number++); });
}

bool has(const std::vector<PlannedTarget>& planned, Kind kind, Expect expect, const std::string& address, int port,
         const std::string& listen_on) {
    return std::count_if(planned.begin(), planned.end(), [&](const PlannedTarget& one) {
               return one.target.kind == kind && one.target.expect == expect && one.target.address == address &&
                      one.target.port == port && one.listen_on == listen_on;
           }) == 1;
}

}  // namespace

TEST_CASE("everything around a bottle is tried") {
    auto planned = plan(around());
    CHECK(has(planned, Kind::BundlePort, Expect::Reached, "10.231.0.2", 9099, ""));
    CHECK(has(planned, Kind::BundlePort, Expect::Reached, "10.231.0.2", 9418, ""));
    for (const char* address : {"10.231.0.1", "10.232.0.1", "192.0.2.7", "10.231.0.9", "10.231.0.17"}) {
        CHECK(has(planned, Kind::Tcp, Expect::Denied, address, 0, address));
        CHECK(has(planned, Kind::Udp, Expect::Denied, address, 0, address));
    }
    CHECK(has(planned, Kind::Tcp, Expect::Denied, "100.96.0.1", 0, "127.0.0.1"));
    CHECK(has(planned, Kind::Udp, Expect::Denied, "100.96.0.1", 0, "127.0.0.1"));
    CHECK(has(planned, Kind::Tcp6, Expect::Denied, "::ffff:10.231.0.1", 0, "10.231.0.1"));
    for (Kind kind : {Kind::Tcp6, Kind::Udp6}) {
        CHECK(has(planned, kind, Expect::Denied, "2001:db8:1::7", 0, "2001:db8:1::7"));
        CHECK(has(planned, kind, Expect::Denied, "fd53:4d00::1", 0, "::1"));
        CHECK(has(planned, kind, Expect::Denied, "::1", 0, "::1"));
    }
    for (Kind kind : {Kind::Tcp, Kind::Udp}) {
        CHECK(has(planned, kind, Expect::Denied, "169.254.169.254", 80, ""));
        CHECK(has(planned, kind, Expect::Denied, "1.1.1.1", 443, ""));
    }
    for (int port : {22, 80, 443}) {
        CHECK(has(planned, Kind::Tcp, Expect::Denied, "10.231.0.1", port, ""));
        CHECK(has(planned, Kind::Tcp, Expect::Denied, "100.96.0.1", port, ""));
    }
    CHECK(has(planned, Kind::Listener, Expect::Denied, "0.0.0.0", 0, ""));
    for (Kind kind : {Kind::DnsUdp, Kind::DnsTcp}) {
        CHECK(has(planned, kind, Expect::Denied, "10.231.0.1", 53, ""));
        CHECK(has(planned, kind, Expect::Denied, "10.231.0.2", 53, ""));
        CHECK(has(planned, kind, Expect::OwnGateway, "100.96.0.1", 53, ""));
        CHECK(has(planned, kind, Expect::Denied, "1.1.1.1", 53, ""));
    }
    CHECK(has(planned, Kind::Icmp, Expect::Denied, "10.231.0.1", 0, ""));
    CHECK(has(planned, Kind::Icmp, Expect::Denied, "1.1.1.1", 0, ""));
    CHECK(has(planned, Kind::Icmp, Expect::OwnGateway, "100.96.0.1", 0, ""));
    CHECK(planned.size() == 2 + 2 * 5 + 6 + 2 + 1 + 6 + 4 + 8 + 3 + 1);
}

TEST_CASE("only another bottle's network may be missing, and every name is asked for once") {
    std::set<std::string> names;
    for (const PlannedTarget& one : plan(around())) {
        CHECK(one.may_be_missing == (one.target.what.find("of bottle") != std::string::npos));
        CHECK((one.target.port == 0) == (!one.listen_on.empty() || one.target.kind == Kind::Icmp || one.target.kind == Kind::Listener));
        if (one.target.port == 53)
            CHECK(names.insert(one.target.name).second);
        else
            CHECK(one.target.name.empty());
    }
    CHECK(names.count("hex0.bottle-probe.invalid") == 1);
    CHECK(names.size() == 8);
}

TEST_CASE("a bare host: no external network, no host address, no IPv6, no other bottle") {
    Surroundings bare = around();
    bare.external_gateway.clear();
    bare.host_addresses.clear();
    bare.neighbours.clear();
    auto planned = plan(bare);
    CHECK(has(planned, Kind::Tcp6, Expect::Denied, "2001:db8::1", 443, ""));
    CHECK(has(planned, Kind::Udp6, Expect::Denied, "2001:db8::1", 443, ""));
    CHECK(has(planned, Kind::Tcp, Expect::Denied, "10.231.0.1", 0, "10.231.0.1"));
    CHECK(planned.size() == 2 + 2 + 6 + 2 + 1 + 2 + 4 + 8 + 3 + 1);
}

TEST_CASE("without a network: the one port is on the guest's loopback, and there must be no way to anything else") {
    Surroundings offline = around();
    offline.socket = "/run/bottle/proxy.sock";
    offline.ports = {{"egress", "proxy", 9099}};
    auto planned = plan(offline);
    CHECK(has(planned, Kind::BundlePort, Expect::Reached, "127.0.0.1", 9099, ""));
    CHECK(has(planned, Kind::Listener, Expect::Denied, "0.0.0.0", 0, ""));
    CHECK(has(planned, Kind::Tcp, Expect::NoRoute, "127.0.0.1", 0, "127.0.0.1"));
    CHECK(has(planned, Kind::Udp, Expect::NoRoute, "127.0.0.1", 0, "127.0.0.1"));
    CHECK(has(planned, Kind::Tcp, Expect::NoRoute, "10.231.0.1", 0, "10.231.0.1"));
    CHECK(has(planned, Kind::Icmp, Expect::NoRoute, "100.96.0.1", 0, ""));
    for (const PlannedTarget& one : planned) {
        if (one.target.kind != Kind::BundlePort && one.target.kind != Kind::Listener) CHECK(one.target.expect == Expect::NoRoute);
    }
    CHECK(planned.size() == plan(around()).size() - 1 + 2);
}

TEST_CASE("on TSI: the ports are on the alias, nothing is expected of a gateway or a log of smolvm's, and what is beside the alias is tried") {
    Surroundings loopback = around();
    loopback.alias = "127.0.0.16";
    loopback.neighbours.front().alias = "127.0.0.17";
    auto planned = plan(loopback);
    for (const int port : {9099, 9418}) CHECK(has(planned, Kind::BundlePort, Expect::Reached, "127.0.0.16", port, ""));
    CHECK(has(planned, Kind::Listener, Expect::Denied, "0.0.0.0", 0, ""));
    for (const auto kind : {Kind::Tcp, Kind::Udp}) {
        for (const auto* address : {"127.0.0.1", "127.0.0.17", "10.231.0.1", "10.232.0.1", "192.0.2.7", "10.231.0.9"}) CHECK(has(planned, kind, Expect::Unlogged, address, 0, address));
    }
    CHECK(has(planned, Kind::Tcp6, Expect::Unlogged, "::1", 0, "::1"));
    CHECK(has(planned, Kind::Tcp, Expect::Unlogged, "1.1.1.1", 443, ""));
    CHECK(has(planned, Kind::Tcp, Expect::Unlogged, "169.254.169.254", 80, ""));
    for (const PlannedTarget& one : planned) {
        const bool datagram = one.target.kind == Kind::Udp || one.target.kind == Kind::Udp6;
        if (one.target.kind != Kind::BundlePort && one.target.kind != Kind::Listener) CHECK(one.target.expect == Expect::Unlogged);
        if (datagram) CHECK_FALSE(one.listen_on.empty());
        CHECK(one.target.address != "100.96.0.1");
        CHECK(one.target.address != "fd53:4d00::1");
    }
}
