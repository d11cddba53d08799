#include "controllers/guest/socket_table.h"
#include "controllers/guest/listeners.h"
#include "tests/guest/loopback.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <random>
#include <thread>

using namespace bottle;
using State = TcpSocket::State;

namespace {

const std::string kHeader =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const std::string kLine =
    "   9: 0100E70A:8632 0200E70A:238A 01 00000000:00000000 00:00000000 00000000 2900002        0 14997 2 0000 20 0 0 "
    "10 -1\n";

}  // namespace

TEST_CASE("connections and listeners are read from a socket table") {
    CHECK(parse_socket_table(kHeader + kLine) ==
          std::vector<TcpSocket>{{State::Established, "10.231.0.1", 34354, "10.231.0.2", 9098, 2900002}});
    const std::vector<std::pair<std::string, State>> states{{"06", State::Closing},   {"04", State::Closing}, {"05", State::Closing},
                                                            {"08", State::Closing},   {"09", State::Closing}, {"0B", State::Closing},
                                                            {"0A", State::Listening}, {"01", State::Established}, {"07", State::Unconnected}};
    for (const auto& [number, state] : states) {
        std::string other = kLine;
        other.replace(other.find(" 01 "), 4, " " + number + " ");
        REQUIRE(parse_socket_table(kHeader + other).size() == 1);
        CHECK(parse_socket_table(kHeader + other).front().state == state);
    }
    // Not connected yet, or not any more.
    for (const char* number : {"02", "03", "0C", "00", "FF"}) {
        std::string other = kLine;
        other.replace(other.find(" 01 "), 4, std::string(" ") + number + " ");
        CHECK(parse_socket_table(kHeader + other).empty());
    }
    CHECK(parse_socket_table(
              "0: 0000000000000000FFFF00000200E70A:238B 0000000000000000FFFF00000100E70A:8632 01 0:0 0:0 0 0 0 1\n") ==
          std::vector<TcpSocket>{{State::Established, "10.231.0.2", 9099, "10.231.0.1", 34354, 0}});
    CHECK(parse_socket_table(
              "0: 00000000000000000000000001000000:0050 00000000000000000000000001000000:8632 01 0:0 0:0 0 5 0 1") ==
          std::vector<TcpSocket>{{State::Established, "::1", 80, "::1", 34354, 5}});
}

TEST_CASE("strange tables are survived") {
    for (const char* text :
         {"", "\n", "x", "0: 1 2 01", "0: 0100E70A8632 0200E70A:238A 01 0 0 0 0 0",
          "0: G100E70A:8632 0200E70A:238A 01 0 0 0 0 0", "0: 0100E70A:8632 0200E70A:238A 01 0 0 0 x 0",
          "0: 0100E70A: 0200E70A:238A 01 0 0 0 0 0"}) {
        CHECK(parse_socket_table(text).empty());
    }
    std::mt19937 random(3);
    for (int round = 0; round < 3000; ++round) {
        std::string damaged = kLine;
        for (int i = 0; i < 4; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
        CHECK(parse_socket_table(damaged).size() <= 4);
    }
}

TEST_CASE("a connection that is held while the watcher looks is seen, one from before is not") {
    HostListener service(HostListener::Protocol::Tcp, "127.0.0.3", "t\n");
    HostListener other(HostListener::Protocol::Tcp, "127.0.0.3", "t\n");
    ListenerLoop loop({&service, &other});
    SocketWatch watch;
    watch.bundle_address = "127.0.0.3";
    watch.ports = {service.port(), other.port()};
    watch.vmm_uid = static_cast<std::int64_t>(geteuid());
    Fd before = connect_to("127.0.0.3", other.port());

    SECTION("by the host's table and the VMM's uid") {
        SocketWatcher watcher(watch);
        Fd during = connect_to("127.0.0.3", service.port());
        CHECK(watcher.stop().ports == std::set<int>{service.port()});
    }
    SECTION("another uid's connection is not the VMM's") {
        watch.vmm_uid = 2900005;
        SocketWatcher watcher(watch);
        Fd during = connect_to("127.0.0.3", service.port());
        CHECK(watcher.stop().ports.empty());
    }
    SECTION("without a network the host's table tells nothing") {
        watch.only_in_bundle = true;
        SocketWatcher watcher(watch);
        Fd during = connect_to("127.0.0.3", service.port());
        CHECK(watcher.stop().ports.empty());
    }
    SECTION("by the table of the bundle's network namespace") {
        watch.vmm_uid = -1;
        watch.infra_pid = getpid();
        // A client of 127.0.0.3 from this host is 127.0.0.1 there only when it binds so.
        watch.internal_gateway = "127.0.0.1";
        SocketWatcher watcher(watch);
        Fd during = connect_to("127.0.0.3", service.port());
        CHECK(watcher.stop().ports == std::set<int>{service.port()});
    }
}

TEST_CASE("listeners on this host: the guest's port and the VMM's uid are told, ours is the control") {
    HostListener ours(HostListener::Protocol::Tcp, "127.0.0.3", "t\n");
    SocketWatch watch;
    watch.control_port = ours.port();
    watch.guest_port = free_port();
    REQUIRE(watch.guest_port != 0);

    SECTION("nothing of the guest's") {
        SocketWatcher watcher(watch);
        CHECK(watcher.stop() == SocketsSeen{{}, {}, true});
    }
    SECTION("the guest's port") {
        SocketWatcher watcher(watch);
        Fd guests = listen_on(watch.guest_port);
        CHECK(watcher.stop() == SocketsSeen{{}, {"0.0.0.0:" + std::to_string(watch.guest_port)}, true});
    }
    SECTION("who listened there before is not the guest") {
        Fd somebodys = listen_on(watch.guest_port);
        SocketWatcher watcher(watch);
        CHECK(watcher.stop().listeners.empty());
    }
    SECTION("a uid that is our own says nothing") {
        watch.vmm_uid = static_cast<std::int64_t>(geteuid());
        SocketWatcher watcher(watch);
        CHECK(watcher.stop().listeners.empty());
    }
    SECTION("a control that does not stand") {
        watch.control_port = watch.guest_port;
        SocketWatcher watcher(watch);
        CHECK_FALSE(watcher.stop().control);
    }
}
