#include "reconciler/guest_evidence.h"
#include "tests/guest/probe_result.h"

#include <catch2/catch.hpp>

// The edges of what the guest's evidence rests on; what it says of each outcome is tests/guest/guest_evidence_test.cpp's.
using namespace bottle;
using Kind = ProbeTarget::Kind;
using Expect = ProbeTarget::Expect;
using Guest = ProbeResult::Guest;

namespace {

/// Refused in the guest, and logged by smolvm; no listener of ours.
ProbeResult logged(Kind kind, const std::string& address) {
    return with_event(result(kind, Expect::Denied, address, Guest::Refused));
}

ProbeResult listened(Kind kind, const std::string& address, Guest guest) {
    return with_listener(result(kind, Expect::Denied, address, guest));
}

Evidence evidence(const ProbeResult& one) {
    return judge_guest({{}, "n", {one}}).front();
}

bool says(const Evidence& evidence, const std::string& words) {
    INFO(evidence.reading);
    return evidence.reading.find("; " + words) != std::string::npos;
}

}  // namespace

TEST_CASE("decision: where a listener of ours can stand, a refusal without one proves nothing, to the edge of each range") {
    for (const auto kind : {Kind::Tcp, Kind::Udp}) {
        for (const auto* address : {"10.0.0.0", "10.255.0.1", "127.0.0.1", "100.64.0.1", "100.127.0.1", "172.16.0.1", "172.31.0.1", "192.168.0.1",
                                    "::ffff:10.0.0.1", "10x", "172x16.0.1", "4294967306.0.0.1", "01.1.1.1", ""}) {
            INFO(address);
            CHECK(evidence(logged(kind, address)).verdict == Verdict::Unknown);
        }
        for (const auto* address : {"9.0.0.1", "11.0.0.1", "126.0.0.1", "128.0.0.1", "100.63.0.1", "100.128.0.1", "99.64.0.1", "101.64.0.1", "172.15.0.1", "172.32.0.1",
                                    "171.16.0.1", "173.16.0.1", "192.167.0.1", "192.169.0.1", "191.168.0.1", "193.168.0.1", "1.10.0.1", "::ffff:1.1.1.1"}) {
            INFO(address);
            CHECK(evidence(logged(kind, address)).verdict == Verdict::Holds);
        }
    }
}

TEST_CASE("decision: a listener of ours on a public address counts like one on any other") {
    const std::string met_nobody = "the listener there met nobody, and smolvm logged the refusal";
    const auto silent = evidence(listened(Kind::Tcp, "203.0.113.7", Guest::TimedOut));
    CHECK(silent.verdict == Verdict::Unknown);
    CHECK(says(silent, "a timeout alone proves nothing"));
    for (const auto kind : {Kind::Tcp, Kind::Udp}) {
        auto heard = listened(kind, "203.0.113.7", Guest::Refused);
        heard.event = true;
        CHECK(says(evidence(heard), met_nobody));
        CHECK(says(evidence(logged(kind, "203.0.113.7")), "smolvm logged the refusal"));
    }
}

TEST_CASE("decision: a refusal that is not in the log is told from a log that cannot be read") {
    for (const auto kind : {Kind::Tcp, Kind::Udp}) {
        auto one = logged(kind, "1.1.1.1");
        one.event = false;
        CHECK(says(evidence(one), "smolvm logged no refusal of it: not measured"));
        one.event_readable = false;
        CHECK(says(evidence(one), "smolvm's denial log cannot be read"));
    }
}

TEST_CASE("decision: over IPv6 nothing holds that could not be tried, or is in a log that cannot be read") {
    for (const auto kind : {Kind::Tcp6, Kind::Udp6}) {
        for (const auto guest : {Guest::NotRun, Guest::Other}) {
            auto one = listened(kind, "fd53:4d00::1", guest);
            CHECK(evidence(one).verdict == Verdict::Unknown);
            one.listener_live = false;
            one.event = true;
            CHECK(evidence(one).verdict == Verdict::Unknown);
        }
        auto unreadable = logged(kind, "2001:db8::1");
        CHECK(evidence(unreadable).verdict == Verdict::Holds);
        unreadable.event_readable = false;
        CHECK(evidence(unreadable).verdict == Verdict::Unknown);
    }
}

TEST_CASE("decision: a target of no kind is unknown, whatever the guest says") {
    for (const auto guest : {Guest::Refused, Guest::Data, Guest::Nxdomain}) {
        CHECK(evidence(result(static_cast<Kind>(99), Expect::Denied, "1.1.1.1", guest)).verdict == Verdict::Unknown);
    }
}

TEST_CASE("decision: a bundle's port is one that shall be reached, and nothing else is") {
    // Each would hold as a port.
    for (const auto& [kind, expect] : {std::pair{Kind::Tcp, Expect::Reached}, {Kind::BundlePort, Expect::Denied}}) {
        auto one = result(kind, expect, "10.231.0.2", Guest::Data);
        one.host_saw = true;
        CHECK(evidence(one).verdict == Verdict::Unknown);
    }
}

TEST_CASE("decision: the guest's own listener is judged as one, without a network too") {
    CHECK(evidence(with_listener(result(Kind::Listener, Expect::NoRoute, "0.0.0.0", Guest::Listening))).verdict == Verdict::Holds);
}

TEST_CASE("decision: from port 1024 on a listener of ours can stand") {
    auto one = logged(Kind::Tcp, "10.231.0.1");
    one.target.port = 1023;
    CHECK(evidence(one).verdict == Verdict::Holds);
    one.target.port = 1024;
    CHECK(evidence(one).verdict == Verdict::Unknown);
}

TEST_CASE("decision: each control that a run lacks is an unknown of its own") {
    const auto port = result(Kind::BundlePort, Expect::Reached, "10.231.0.2", Guest::Data);
    auto gateway = listened(Kind::Icmp, "100.96.0.1", Guest::Answered);
    gateway.target.expect = Expect::OwnGateway;
    // A listener behind what may answer is no control.
    const auto without_denied = judge_guest({{}, "n", {port, gateway}});
    REQUIRE(without_denied.size() == 3);
    CHECK(without_denied.back() == Evidence{EvidenceKind::Guest, Verdict::Unknown, "no denied target had a live listener behind it", {}});
    auto denied = listened(Kind::Tcp, "10.231.0.1", Guest::Refused);
    denied.event = true;
    CHECK(judge_guest({{}, "n", {port, denied}}).size() == 2);
    const auto without_port = judge_guest({{}, "n", {denied}});
    REQUIRE(without_port.size() == 2);
    CHECK(without_port.back().verdict == Verdict::Unknown);
    CHECK(without_port.back().reading.find("no port of the bundle was tried") == 0);
}
