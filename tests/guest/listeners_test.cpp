#include "controllers/guest/listeners.h"
#include "controllers/guest/host_addresses.h"
#include "manifests/error.h"
#include "tests/guest/loopback.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

using namespace bottle;

namespace {

std::string ask(int type, const HostListener& listener) {
    Fd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in to = at(listener.address(), listener.port());
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return "no connection";
    if (type == SOCK_DGRAM) send(fd.get(), "x", 1, 0);
    char bytes[200];
    pollfd polled{fd.get(), POLLIN, 0};
    if (poll(&polled, 1, 5000) != 1) return "no answer";
    ssize_t got = recv(fd.get(), bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(got > 0 ? got : 0)};
}

}  // namespace

TEST_CASE("a listener answers with its token, and counts others but not our own checks") {
    HostListener tcp(HostListener::Protocol::Tcp, "127.0.0.1", "token one\n");
    HostListener udp(HostListener::Protocol::Udp, "127.0.0.2", "token two\n");
    HostListener six(HostListener::Protocol::Tcp, "::1", "token six\n");
    HostListener six_udp(HostListener::Protocol::Udp, "::1", "token six\n");
    ListenerLoop loop({&tcp, &udp, &six, &six_udp});
    for (HostListener* listener : {&tcp, &udp, &six, &six_udp}) {
        CHECK(listener->port() > 0);
        CHECK(listener->check_from_host());
        CHECK(listener->check_from_host());
        CHECK(listener->hits() == 0);
    }
    CHECK(ask(SOCK_STREAM, tcp) == "token one\n");
    CHECK(ask(SOCK_STREAM, tcp) == "token one\n");
    CHECK(ask(SOCK_DGRAM, udp) == "token two\n");
    CHECK(tcp.hits() == 2);
    CHECK(udp.hits() == 1);
    CHECK(six.hits() == 0);
    CHECK(tcp.check_from_host());
    CHECK(tcp.hits() == 2);
}

TEST_CASE("a listener that nobody serves is not live") {
    HostListener tcp(HostListener::Protocol::Tcp, "127.0.0.1", "token\n");
    HostListener udp(HostListener::Protocol::Udp, "127.0.0.1", "token\n");
    CHECK_FALSE(tcp.check_from_host(50));
    CHECK_FALSE(udp.check_from_host(50));
}

TEST_CASE("someone else's answer is not ours") {
    HostListener real(HostListener::Protocol::Tcp, "127.0.0.1", "token one\n");
    ListenerLoop loop({&real});
    CHECK(ask(SOCK_STREAM, real) != "token two\n");
}

TEST_CASE("many connections are all answered and counted, and only some kept open") {
    HostListener tcp(HostListener::Protocol::Tcp, "127.0.0.1", "token\n");
    ListenerLoop loop({&tcp});
    std::vector<Fd> held;
    for (int i = 0; i < 150; ++i) {
        held.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in to = at("127.0.0.1", tcp.port());
        REQUIRE(connect(held.back().get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        char bytes[16];
        REQUIRE(recv(held.back().get(), bytes, sizeof bytes, 0) == 6);
    }
    CHECK(tcp.hits() == 150);
    // The oldest were hung up on, the newest still stand.
    char byte = 0;
    CHECK(recv(held.front().get(), &byte, 1, 0) == 0);
    CHECK(recv(held.back().get(), &byte, 1, MSG_DONTWAIT) == -1);
}

TEST_CASE("an address that is not this host's cannot be listened on") {
    CHECK_THROWS_AS(HostListener(HostListener::Protocol::Tcp, "192.0.2.1", "t"), Error);
    CHECK_THROWS_AS(HostListener(HostListener::Protocol::Udp, "2001:db8::1", "t"), Error);
    CHECK_THROWS_AS(HostListener(HostListener::Protocol::Tcp, "localhost", "t"), Error);
    CHECK_THROWS_AS(HostListener(HostListener::Protocol::Tcp, "", "t"), Error);
}

TEST_CASE("this host's addresses can all be listened on, and none is loopback's IPv4") {
    for (const HostAddress& host : host_addresses()) {
        INFO(host.interface << " " << host.address);
        CHECK(host.address.rfind("127.", 0) != 0);
        CHECK(host.address.rfind("169.254.", 0) != 0);
        CHECK(host.address.rfind("fe80", 0) != 0);
        CHECK_NOTHROW(HostListener(HostListener::Protocol::Tcp, host.address, "t"));
    }
}
