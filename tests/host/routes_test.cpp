#include "controllers/host/routes.h"

#include "controllers/process/process_runner.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <functional>
#include <thread>

using namespace bottle;

namespace {

constexpr std::int64_t kVmm = 2'900'005;

/// Runs `body` in a network namespace of its own (a thread's own matter), set up by the lines of `ip -batch`; false when that failed.
bool in_network(const std::string& lines, const std::function<void()>& body) {
    bool made = false;
    std::thread thread([&] {
        if (unshare(CLONE_NEWNET) != 0) return;
        ProcessRequest request;
        request.argv = {"/usr/sbin/ip", "-batch", "-"};
        request.input = lines;
        made = SystemProcessRunner().run(request).succeeded();
        if (made) body();
    });
    thread.join();
    return made;
}

/// As a host with one bottle: its bridge, an uplink, and no default route.
const std::string kHost =
    "link set lo up\n"
    "link add name br-docs type bridge\n"
    "address add 10.231.0.1/29 dev br-docs\n"
    "link set br-docs up\n"
    "link add name uplink type veth peer name elsewhere\n"
    "address add 192.168.7.5/24 dev uplink\n"
    "link set uplink up\n"
    "link set elsewhere up\n";

Observation<Route> route_in(const std::string& lines, const std::string& address, std::int64_t uid) {
    Observation<Route> route;
    REQUIRE(in_network(lines, [&] { route = route_to(address, uid); }));
    return route;
}

std::vector<std::string> destinations_in(const std::string& lines) {
    std::vector<std::string> destinations;
    REQUIRE(in_network(lines, [&] { destinations = host_routes().destinations; }));
    return destinations;
}

}  // namespace

TEST_CASE("an address on a bridge leads to the bridge") {
    CHECK(route_in(kHost, "10.231.0.2", kVmm) == Observation<Route>(Route{"br-docs", false, false}));
}

TEST_CASE("the host's own address is told as that") {
    const auto route = route_in(kHost, "10.231.0.1", kVmm);
    REQUIRE(route.present());
    CHECK(route->local);
}

TEST_CASE("without a bridge the address is unreachable, or led to the outside") {
    const std::string no_bridge = kHost + "link delete br-docs\n";
    CHECK(route_in(no_bridge, "10.231.0.2", kVmm).absent());
    CHECK(route_in(no_bridge + "route add default via 192.168.7.1\n", "10.231.0.2", kVmm) == Observation<Route>(Route{"uplink", false, true}));
}

TEST_CASE("a rule for the VMM's uid counts, and only for that uid") {
    const auto lines = kHost + fmt::format("rule add uidrange {0}-{0} lookup 100\nroute add 10.231.0.2/32 dev uplink table 100\n", kVmm);
    CHECK(route_in(lines, "10.231.0.2", kVmm) == Observation<Route>(Route{"uplink", false, false}));
    CHECK(route_in(lines, "10.231.0.2", kVmm + 1) == Observation<Route>(Route{"br-docs", false, false}));
    CHECK(route_in(lines, "10.231.0.2", 0) == Observation<Route>(Route{"br-docs", false, false}));
}

TEST_CASE("a route that refuses or drops leads nowhere") {
    for (const char* type : {"unreachable", "prohibit", "blackhole"}) {
        CHECK(route_in(kHost + fmt::format("route add {} 10.231.0.2/32\n", type), "10.231.0.2", kVmm).absent());
    }
}

TEST_CASE("a route by a neighbour of another family goes by a gateway") {
    const auto route = route_in(kHost + "address add fd00::5/64 dev uplink nodad\nroute add 10.9.0.0/16 via inet6 fd00::1 dev uplink\n", "10.9.0.1", kVmm);
    REQUIRE(route.present());
    CHECK(route->via_gateway);
}

TEST_CASE("what is no address is not asked for") {
    for (const char* text : {"", "10.231.0", "10.231.0.2/32", "::1", "bottle"}) CHECK(route_to(text, kVmm).unknown());
}

TEST_CASE("destinations are those of all tables, but not the default and the host's own addresses") {
    CHECK(destinations_in("").empty());
    const auto lines = kHost +
                       "route add default via 192.168.7.1\n"
                       "route add 10.8.0.0/16 via 192.168.7.1\n"
                       "route add 172.16.0.0/12 dev uplink table 100\n"
                       "route add 172.17.0.0/16 dev uplink table 1000\n"
                       "route add blackhole 10.232.0.0/20\n"
                       "route add 10.8.0.0/16 dev br-docs metric 7\n";
    CHECK(destinations_in(lines) == std::vector<std::string>{"10.231.0.0/29", "10.232.0.0/20", "10.8.0.0/16", "172.16.0.0/12", "172.17.0.0/16", "192.168.7.0/24"});
}

TEST_CASE("a second bridge with our subnet, and an address of ours on another interface, are told with their interfaces") {
    std::vector<Carrier> carriers;
    const auto lines = kHost +
                       "link add name br-twin type bridge\n"
                       "address add 10.231.0.1/29 dev br-twin\n"
                       "link set br-twin up\n"
                       "address add 10.231.0.3/32 dev uplink\n"
                       "route add blackhole 10.231.0.4/32\n"
                       "route add default via 192.168.7.1\n";
    REQUIRE(in_network(lines, [&] { carriers = host_routes().carriers; }));
    const auto has = [&](const char* destination, const char* interface) {
        return std::count(carriers.begin(), carriers.end(), Carrier{destination, interface}) == 1;
    };
    CHECK(has("10.231.0.0/29", "br-docs"));
    CHECK(has("10.231.0.0/29", "br-twin"));
    CHECK(has("10.231.0.1/32", "br-docs"));
    CHECK(has("10.231.0.1/32", "br-twin"));
    CHECK(has("10.231.0.3/32", "uplink"));
    CHECK(has("10.231.0.4/32", ""));
    CHECK(std::none_of(carriers.begin(), carriers.end(), [](const Carrier& c) { return c.destination == "10.231.0.7/32" || c.destination == "0.0.0.0/0"; }));
}

TEST_CASE("a long list of routes is read whole") {
    std::string lines = kHost;
    for (int i = 0; i < 5000; ++i) lines += fmt::format("route add 10.{}.{}.0/24 dev uplink\n", i / 256, i % 256);
    CHECK(destinations_in(lines).size() == 5000 + 2);
}
