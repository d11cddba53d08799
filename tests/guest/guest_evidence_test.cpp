#include "reconciler/guest_evidence.h"
#include "tests/guest/probe_result.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace bottle;
using Kind = ProbeTarget::Kind;
using Expect = ProbeTarget::Expect;
using Guest = ProbeResult::Guest;

namespace {

Verdict verdict(const ProbeResult& one) {
    return judge_guest({{}, "n", {one}}).front().verdict;
}

/// The same with one thing changed.
template <class Value>
Verdict verdict(const ProbeResult& one, Value ProbeResult::*thing, Value value) {
    ProbeResult changed = one;
    changed.*thing = value;
    return verdict(changed);
}

/// What a good result with a listener and an event comes to without each of them.
void check_each_is_needed(const ProbeResult& good) {
    REQUIRE(verdict(good) == Verdict::Holds);
    CHECK(verdict(good, &ProbeResult::listener_hits, std::int64_t{1}) == Verdict::Fails);
    CHECK(verdict(good, &ProbeResult::listener_live, false) == Verdict::Unknown);
    CHECK(verdict(good, &ProbeResult::event, false) == Verdict::Unknown);
    CHECK(verdict(good, &ProbeResult::event_readable, false) == Verdict::Unknown);
}

constexpr const char* kBundle = "10.231.0.2";
constexpr const char* kGateway = "10.231.0.1";
constexpr const char* kOwn = "100.96.0.1";

ProbeResult port(Guest guest, bool host_saw = false) {
    ProbeResult made = result(Kind::BundlePort, Expect::Reached, kBundle, guest);
    made.host_saw = host_saw;
    return made;
}
ProbeResult tcp(const std::string& address, Guest guest) {
    return result(Kind::Tcp, Expect::Denied, address, guest);
}
ProbeResult udp(const std::string& address, Guest guest) {
    return result(Kind::Udp, Expect::Denied, address, guest);
}
ProbeResult dns(Kind kind, Guest guest) {
    return result(kind, Expect::Denied, "1.1.1.1", guest);
}
ProbeResult echo(const std::string& address, Guest guest) {
    return result(Kind::Icmp, address == kOwn ? Expect::OwnGateway : Expect::Denied, address, guest);
}
ProbeResult six(Kind kind, const std::string& address, Guest guest) {
    return result(kind, Expect::Denied, address, guest);
}

/// smolvm 1.32.2 with the /32 and closed names, as it was measured.
std::vector<ProbeResult> closed_machine() {
    return {port(Guest::Data, true),
            port(Guest::Held, true),
            with_event(with_listener(tcp(kGateway, Guest::Refused))),
            with_event(with_listener(udp(kGateway, Guest::TimedOut))),
            with_event(with_listener(tcp(kOwn, Guest::Refused))),
            with_event(with_listener(udp(kOwn, Guest::TimedOut))),
            with_event(with_listener(six(Kind::Tcp6, "::ffff:10.231.0.1", Guest::Refused))),
            with_event(tcp("169.254.169.254", Guest::Refused)),
            with_event(udp("169.254.169.254", Guest::TimedOut)),
            with_event(tcp("1.1.1.1", Guest::Refused)),
            with_event(udp("1.1.1.1", Guest::TimedOut)),
            with_event(dns(Kind::DnsUdp, Guest::Nxdomain)),
            with_event(dns(Kind::DnsTcp, Guest::Nxdomain)),
            with_event(echo(kGateway, Guest::TimedOut)),
            with_event(echo("1.1.1.1", Guest::TimedOut)),
            echo(kOwn, Guest::Answered),
            with_listener(six(Kind::Tcp6, "::1", Guest::Refused)),
            with_listener(six(Kind::Udp6, "::1", Guest::Refused)),
            with_listener(six(Kind::Tcp6, "fd53:4d00::1", Guest::Unreachable)),
            with_listener(six(Kind::Udp6, "fd53:4d00::1", Guest::Unreachable))};
}

/// Which of them do not hold, by index.
std::vector<std::size_t> broken(const std::vector<ProbeResult>& results) {
    std::vector<std::size_t> indexes;
    std::vector<Evidence> evidence = judge_guest({{}, "n", results});
    for (std::size_t i = 0; i < evidence.size(); ++i) {
        if (evidence[i].verdict != Verdict::Holds) indexes.push_back(i);
    }
    return indexes;
}

}  // namespace

TEST_CASE("a closed machine holds, one piece of evidence a target") {
    std::vector<Evidence> evidence = judge_guest({{}, "n", closed_machine()});
    CHECK(evidence.size() == closed_machine().size());
    CHECK(broken(closed_machine()).empty());
    CHECK(guest_holds(evidence));
}

TEST_CASE("1.8.3, as measured: IPv6 is routed to smolvm, which refuses it") {
    std::vector<ProbeResult> results = closed_machine();
    results[18] = with_event(with_listener(six(Kind::Tcp6, "fd53:4d00::1", Guest::Refused)));
    results[19] = with_event(with_listener(six(Kind::Udp6, "fd53:4d00::1", Guest::TimedOut)));
    results.push_back(with_event(six(Kind::Tcp6, "2001:db8::1", Guest::Refused)));
    results.push_back(with_event(six(Kind::Udp6, "2001:db8::1", Guest::TimedOut)));
    CHECK(broken(results).empty());
}

TEST_CASE("open twin: no list at all, on TSI") {
    std::vector<ProbeResult> results = closed_machine();
    results[2] = with_listener(tcp(kGateway, Guest::Data), 1);
    results[3] = with_listener(udp(kGateway, Guest::Answered), 1);
    results[4] = with_listener(tcp(kOwn, Guest::Unreachable));
    results[5] = with_listener(udp(kOwn, Guest::Unreachable));
    results[6] = with_listener(six(Kind::Tcp6, "::ffff:10.231.0.1", Guest::Data), 1);
    results[7] = tcp("169.254.169.254", Guest::Denied);
    results[8] = udp("169.254.169.254", Guest::Denied);
    results[9] = tcp("1.1.1.1", Guest::Unreachable);
    results[10] = udp("1.1.1.1", Guest::Unreachable);
    results[11] = dns(Kind::DnsUdp, Guest::Unreachable);
    results[12] = dns(Kind::DnsTcp, Guest::Unreachable);
    for (std::size_t i : {13U, 14U}) results[i] = echo(i == 13 ? kGateway : "1.1.1.1", Guest::Unreachable);
    results[15] = echo(kOwn, Guest::Unreachable);
    results[16] = with_listener(six(Kind::Tcp6, "::1", Guest::Denied));
    CHECK(broken(results) == std::vector<std::size_t>{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    CHECK(verdict(results[2]) == Verdict::Fails);
    CHECK(verdict(results[3]) == Verdict::Fails);
    CHECK(verdict(results[6]) == Verdict::Fails);
    CHECK_FALSE(guest_holds(judge_guest({{}, "n", results})));
}

TEST_CASE("open twin: 0.0.0.0/0") {
    std::vector<ProbeResult> results = closed_machine();
    results[2] = with_listener(tcp(kGateway, Guest::Data), 1);
    results[3] = with_listener(udp(kGateway, Guest::Answered), 4);
    results[4] = with_listener(tcp(kOwn, Guest::Data), 1);
    results[5] = with_listener(udp(kOwn, Guest::TimedOut));
    results[6] = with_listener(six(Kind::Tcp6, "::ffff:10.231.0.1", Guest::Data), 1);
    results[9] = tcp("1.1.1.1", Guest::Reset);
    results[10] = udp("1.1.1.1", Guest::TimedOut);
    results[13] = echo(kGateway, Guest::TimedOut);
    results[14] = echo("1.1.1.1", Guest::TimedOut);
    CHECK(broken(results) == std::vector<std::size_t>{2, 3, 4, 5, 6, 9, 10});
    for (std::size_t i : {2U, 3U, 4U, 6U, 9U}) CHECK(verdict(results[i]) == Verdict::Fails);
    for (std::size_t i : {5U, 10U}) CHECK(verdict(results[i]) == Verdict::Unknown);
}

TEST_CASE("open twin: dns_filter_hosts gone, with and without a resolver on the host") {
    std::vector<ProbeResult> results = closed_machine();
    results[11] = dns(Kind::DnsUdp, Guest::TimedOut);
    results[12] = dns(Kind::DnsTcp, Guest::Reset);
    CHECK(broken(results) == std::vector<std::size_t>{11, 12});
    // A real resolver says NXDOMAIN for .invalid, too; only smolvm's own line tells the difference.
    results[11] = dns(Kind::DnsUdp, Guest::Nxdomain);
    results[12] = dns(Kind::DnsTcp, Guest::Nxdomain);
    CHECK(broken(results) == std::vector<std::size_t>{11, 12});
    CHECK(verdict(results[11]) == Verdict::Fails);
    CHECK(verdict(results[12]) == Verdict::Fails);
}

TEST_CASE("a list of nothing refuses everything, the bundle too") {
    std::vector<ProbeResult> results = closed_machine();
    results[0] = port(Guest::Refused);
    results[1] = port(Guest::Refused);
    CHECK(broken(results) == std::vector<std::size_t>{0, 1});
}

TEST_CASE("bundle ports: every outcome") {
    CHECK(verdict(port(Guest::Data, true)) == Verdict::Holds);
    CHECK(verdict(port(Guest::Data, false)) == Verdict::Unknown);
    CHECK(verdict(port(Guest::Held, true)) == Verdict::Holds);
    CHECK(verdict(port(Guest::Held, false)) == Verdict::Unknown);
    for (Guest guest : {Guest::NotRun, Guest::Other}) CHECK(verdict(port(guest, true)) == Verdict::Unknown);
    for (Guest guest : {Guest::Connected, Guest::Reset, Guest::Refused, Guest::Unreachable, Guest::Denied,
                        Guest::TimedOut, Guest::Nxdomain, Guest::Answered}) {
        CHECK(verdict(port(guest, true)) == Verdict::Fails);
    }
}

TEST_CASE("the guest's own listener: it stood, nobody came, and the host, whose table can be read, does not listen for it") {
    ProbeResult good = with_listener(result(Kind::Listener, Expect::Denied, "0.0.0.0", Guest::Listening));
    CHECK(verdict(good) == Verdict::Holds);
    for (Guest guest : {Guest::Connected, Guest::Data, Guest::Answered}) {
        CHECK(verdict(good, &ProbeResult::guest, guest) == Verdict::Fails);
    }
    for (Guest guest : {Guest::NotRun, Guest::Other, Guest::Refused, Guest::Denied}) {
        ProbeResult one = good;
        one.guest = guest;
        CHECK(verdict(one) == Verdict::Unknown);
        one.listener_hits = 1;
        CHECK(verdict(one) == Verdict::Fails);
    }
    CHECK(verdict(good, &ProbeResult::listener_hits, std::int64_t{1}) == Verdict::Fails);
    CHECK(verdict(good, &ProbeResult::listener_live, false) == Verdict::Unknown);
    // It is no control of what the guest must not reach.
    CHECK_FALSE(guest_holds(judge_guest({{}, "n", {port(Guest::Data, true), good}})));
}

TEST_CASE("a well-known port of the host: smolvm's own line is what counts") {
    ProbeResult ssh = tcp(kGateway, Guest::Refused);
    ssh.target.port = 22;
    CHECK(verdict(ssh) == Verdict::Unknown);
    CHECK(verdict(with_event(ssh)) == Verdict::Holds);
    ssh.guest = Guest::Data;
    CHECK(verdict(with_event(ssh)) == Verdict::Fails);
}

TEST_CASE("tcp with a listener: refused, live, nobody came and logged, all four") {
    ProbeResult good = with_event(with_listener(tcp(kGateway, Guest::Refused)));
    check_each_is_needed(good);
    for (Guest guest : {Guest::Connected, Guest::Data, Guest::Held, Guest::Reset, Guest::Answered, Guest::Nxdomain}) {
        CHECK(verdict(good, &ProbeResult::guest, guest) == Verdict::Fails);
    }
    for (Guest guest : {Guest::NotRun, Guest::Unreachable, Guest::Denied, Guest::TimedOut, Guest::Other}) {
        CHECK(verdict(good, &ProbeResult::guest, guest) == Verdict::Unknown);
    }
    // A host address that is a public one has a listener, too.
    CHECK(verdict(with_event(with_listener(tcp("203.0.113.7", Guest::Refused)))) == Verdict::Holds);
    CHECK(verdict(with_event(with_listener(tcp("203.0.113.7", Guest::Refused), 1))) == Verdict::Fails);
    for (const char* address :
         {"10.0.0.1", "172.16.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "::ffff:10.0.0.1"}) {
        CHECK(verdict(with_event(tcp(address, Guest::Refused))) == Verdict::Unknown);
    }
}

TEST_CASE("a public address counts only with its event, whatever else it looks like") {
    CHECK(verdict(with_event(tcp("1.1.1.1", Guest::Refused))) == Verdict::Holds);
    for (Guest guest : {Guest::Refused, Guest::Unreachable, Guest::Denied, Guest::NotRun, Guest::Other}) {
        CHECK(verdict(tcp("1.1.1.1", guest)) == Verdict::Unknown);
    }
    for (Guest guest : {Guest::Connected, Guest::Data, Guest::Held, Guest::Reset, Guest::TimedOut}) {
        CHECK(verdict(tcp("1.1.1.1", guest)) == Verdict::Fails);
        CHECK(verdict(with_event(tcp("1.1.1.1", guest))) == Verdict::Fails);
    }
    ProbeResult unreadable = with_event(tcp("1.1.1.1", Guest::Refused));
    unreadable.event_readable = false;
    CHECK(verdict(unreadable) == Verdict::Unknown);
}

TEST_CASE("udp: silence counts with a live silent listener and the event") {
    ProbeResult good = with_event(with_listener(udp(kGateway, Guest::TimedOut)));
    check_each_is_needed(good);
    CHECK(verdict(good, &ProbeResult::guest, Guest::Answered) == Verdict::Fails);
    for (Guest guest : {Guest::NotRun, Guest::Other}) {
        CHECK(verdict(good, &ProbeResult::guest, guest) == Verdict::Unknown);
    }
    CHECK(verdict(with_event(udp("1.1.1.1", Guest::TimedOut))) == Verdict::Holds);
    CHECK(verdict(udp("1.1.1.1", Guest::TimedOut)) == Verdict::Unknown);
    CHECK(verdict(with_event(udp("1.1.1.1", Guest::Answered))) == Verdict::Fails);
}

TEST_CASE("names: NXDOMAIN and the event") {
    for (Kind kind : {Kind::DnsUdp, Kind::DnsTcp}) {
        CHECK(verdict(with_event(dns(kind, Guest::Nxdomain))) == Verdict::Holds);
        CHECK(verdict(dns(kind, Guest::Nxdomain)) == Verdict::Fails);
        ProbeResult unreadable = with_event(dns(kind, Guest::Nxdomain));
        unreadable.event_readable = false;
        CHECK(verdict(unreadable) == Verdict::Unknown);
        for (Guest guest : {Guest::Answered, Guest::Connected, Guest::Reset, Guest::Data, Guest::Held}) {
            CHECK(verdict(with_event(dns(kind, guest))) == Verdict::Fails);
        }
        for (Guest guest :
             {Guest::TimedOut, Guest::Refused, Guest::Unreachable, Guest::Denied, Guest::NotRun, Guest::Other}) {
            CHECK(verdict(with_event(dns(kind, guest))) == Verdict::Unknown);
        }
        CHECK(verdict(with_event(result(kind, Expect::OwnGateway, kOwn, Guest::Nxdomain))) == Verdict::Holds);
        CHECK(verdict(result(kind, Expect::OwnGateway, kOwn, Guest::Nxdomain)) == Verdict::Fails);
    }
}

TEST_CASE("icmp: only smolvm's own gateway may answer") {
    CHECK(verdict(echo(kGateway, Guest::TimedOut)) == Verdict::Holds);
    CHECK(verdict(echo(kGateway, Guest::Unreachable)) == Verdict::Holds);
    CHECK(verdict(echo(kGateway, Guest::Answered)) == Verdict::Fails);
    CHECK(verdict(echo(kOwn, Guest::Answered)) == Verdict::Holds);
    CHECK(verdict(echo(kOwn, Guest::TimedOut)) == Verdict::Holds);
    // A guest that may not send an echo shows nothing.
    for (Guest guest : {Guest::Denied, Guest::NotRun, Guest::Other})
        CHECK(verdict(echo(kGateway, guest)) == Verdict::Unknown);
}

TEST_CASE("IPv6: failure and a silent listener, or no route, or the event") {
    for (Kind kind : {Kind::Tcp6, Kind::Udp6}) {
        for (Guest guest : {Guest::Unreachable, Guest::Refused, Guest::Denied, Guest::TimedOut}) {
            CHECK(verdict(with_listener(six(kind, "fd53:4d00::1", guest))) == Verdict::Holds);
            CHECK(verdict(with_listener(six(kind, "fd53:4d00::1", guest), 1)) == Verdict::Fails);
        }
        for (Guest guest : {Guest::Data, Guest::Held, Guest::Connected, Guest::Reset, Guest::Answered}) {
            CHECK(verdict(with_listener(six(kind, "fd53:4d00::1", guest))) == Verdict::Fails);
        }
        CHECK(verdict(six(kind, "2001:db8::1", Guest::Unreachable)) == Verdict::Holds);
        CHECK(verdict(with_event(six(kind, "2001:db8::1", Guest::Refused))) == Verdict::Holds);
        for (Guest guest : {Guest::Refused, Guest::TimedOut, Guest::Denied, Guest::NotRun, Guest::Other}) {
            CHECK(verdict(six(kind, "2001:db8::1", guest)) == Verdict::Unknown);
        }
    }
    // An IPv4-mapped address is IPv4 by another door.
    CHECK(verdict(with_listener(six(Kind::Tcp6, "::ffff:10.231.0.1", Guest::Refused))) == Verdict::Unknown);
    CHECK(verdict(with_event(with_listener(six(Kind::Tcp6, "::ffff:10.231.0.1", Guest::Refused)))) == Verdict::Holds);
    CHECK(verdict(with_event(with_listener(six(Kind::Tcp6, "::ffff:10.231.0.1", Guest::Unreachable)))) ==
          Verdict::Unknown);
}

TEST_CASE("a run without its controls does not hold") {
    std::vector<ProbeResult> results = closed_machine();
    std::vector<ProbeResult> no_ports(results.begin() + 2, results.end());
    CHECK(broken(no_ports) == std::vector<std::size_t>{no_ports.size()});
    std::vector<ProbeResult> no_listener{results[0], results[9]};
    CHECK(broken(no_listener) == std::vector<std::size_t>{2});
    CHECK_FALSE(guest_holds(judge_guest({{}, "n", {}})));
}

TEST_CASE("a run with a problem is one unknown, whatever it brought in") {
    std::vector<Evidence> evidence = judge_guest({"no answer within 30 s", "n", closed_machine()});
    REQUIRE(evidence.size() == 1);
    CHECK(evidence.front().verdict == Verdict::Unknown);
    CHECK(evidence.front().reading == "the guest could not be probed: no answer within 30 s");
    CHECK_FALSE(guest_holds(evidence));
}

TEST_CASE("a target that makes no sense is unknown") {
    CHECK(verdict(result(Kind::Tcp, Expect::Reached, kBundle, Guest::Data)) == Verdict::Unknown);
    CHECK(verdict(result(Kind::BundlePort, Expect::Denied, kBundle, Guest::Data)) == Verdict::Unknown);
    CHECK(verdict(with_event(tcp("not an address", Guest::Refused))) != Verdict::Fails);
}

TEST_CASE("guest_holds: all of it, of the right kind, and not nothing") {
    Evidence good{EvidenceKind::Guest, Verdict::Holds, "", ""};
    CHECK(guest_holds({good, good}));
    CHECK_FALSE(guest_holds({}));
    CHECK_FALSE(guest_holds({good, {EvidenceKind::Guest, Verdict::Unknown, "", ""}}));
    CHECK_FALSE(guest_holds({good, {EvidenceKind::Guest, Verdict::Fails, "", ""}}));
    CHECK_FALSE(guest_holds({good, {EvidenceKind::Row, Verdict::Holds, "", ""}}));
}

TEST_CASE("readings are plain words") {
    ProbeResult one = with_event(with_listener(tcp(kGateway, Guest::Refused)));
    one.target.what = "internal gateway";
    CHECK(judge_guest({{}, "n", {one}}).front().reading ==
          "internal gateway, tcp 10.231.0.1:4000: refused in the guest; the listener there met nobody, and smolvm "
          "logged the refusal");
    CHECK(judge_guest({{}, "n", {with_event(dns(Kind::DnsUdp, Guest::Nxdomain))}}).front().reading ==
          "thing, dns by udp 0a.bottle-probe.invalid at 1.1.1.1: NXDOMAIN in the guest; smolvm refused the name "
          "itself, and logged it");
    CHECK(judge_guest({{}, "n", {with_listener(six(Kind::Tcp6, "::1", Guest::Refused))}}).front().reading ==
          "thing, tcp over IPv6 [::1]:4000: refused in the guest; the listener there met nobody");
}

TEST_CASE("the raw text is JSON, also of bytes that are no UTF-8") {
    GuestReading reading{"", "abc", closed_machine()};
    reading.results.front().guest_detail = "\xff\xfe\"";
    nlohmann::json text = nlohmann::json::parse(raw_text(reading));
    CHECK(text.at("nonce") == "abc");
    REQUIRE(text.at("results").size() == closed_machine().size());
    CHECK(text.at("results")[2].at("listenerLive") == true);
    CHECK(text.at("results")[2].at("guest") == "refused");
}

TEST_CASE("on TSI nothing logs a refusal: with a live and silent listener a refusal counts, without one only what says that it may not") {
    const auto on_tsi = [](Kind kind, const std::string& address, Guest guest) { return result(kind, Expect::Unlogged, address, guest); };
    const auto verdict = [](const ProbeResult& one) { return judge_guest({{}, "n", {one}}).front().verdict; };
    const auto reading = [](const ProbeResult& one) { return judge_guest({{}, "n", {one}}).front().reading; };
    for (const auto kind : {Kind::Tcp, Kind::Udp, Kind::Tcp6, Kind::Udp6}) {
        const std::string address = kind == Kind::Tcp || kind == Kind::Udp ? "10.231.0.1" : "::1";
        const bool datagram = kind == Kind::Udp || kind == Kind::Udp6;
        for (const auto guest : {Guest::Refused, Guest::Denied, Guest::Unreachable}) {
            CHECK(verdict(with_listener(on_tsi(kind, address, guest))) == Verdict::Holds);
            CHECK(verdict(with_listener(on_tsi(kind, address, guest), 1)) == Verdict::Fails);
            CHECK(verdict(on_tsi(kind, address, guest)) == Verdict::Unknown);
        }
        CHECK(reading(with_listener(on_tsi(kind, address, Guest::Denied))).find("nothing on the host logged it") != std::string::npos);
        // smolvm drops a datagram without a word, and a connection never.
        CHECK(verdict(with_listener(on_tsi(kind, address, Guest::TimedOut))) == (datagram ? Verdict::Holds : Verdict::Unknown));
        for (const auto guest : {Guest::Connected, Guest::Data, Guest::Held, Guest::Reset, Guest::Answered, Guest::Nxdomain}) {
            CHECK(verdict(with_listener(on_tsi(kind, address, guest))) == Verdict::Fails);
        }
        for (const auto guest : {Guest::NotRun, Guest::Other, Guest::Listening}) CHECK(verdict(with_event(with_listener(on_tsi(kind, address, guest)))) == Verdict::Unknown);
    }
    CHECK(reading(with_listener(on_tsi(Kind::Tcp, "10.231.0.1", Guest::TimedOut))).find("a timeout alone proves nothing") != std::string::npos);
    CHECK(reading(with_listener(on_tsi(Kind::Tcp, "10.231.0.1", Guest::NotRun))).find("it could not be tried") != std::string::npos);
    // Wherever a live listener of ours stands, it is what tells.
    CHECK(verdict(with_listener(on_tsi(Kind::Tcp, "1.1.1.1", Guest::Refused))) == Verdict::Holds);
    CHECK(verdict(with_listener(on_tsi(Kind::Tcp, "1.1.1.1", Guest::TimedOut))) == Verdict::Unknown);
    // Where nothing of ours can listen. A refused connection looks like an unused port of an open machine.
    CHECK(verdict(on_tsi(Kind::Tcp, "1.1.1.1", Guest::Denied)) == Verdict::Holds);
    CHECK(verdict(on_tsi(Kind::Tcp, "1.1.1.1", Guest::Unreachable)) == Verdict::Holds);
    CHECK(verdict(on_tsi(Kind::Tcp, "1.1.1.1", Guest::Refused)) == Verdict::Unknown);
    CHECK(verdict(on_tsi(Kind::Tcp, "1.1.1.1", Guest::TimedOut)) == Verdict::Fails);
    CHECK(verdict(on_tsi(Kind::Tcp6, "2001:db8::1", Guest::NotRun)) == Verdict::Unknown);
    CHECK(verdict(on_tsi(Kind::Tcp, "1.1.1.1", Guest::Other)) == Verdict::Unknown);
    CHECK(reading(on_tsi(Kind::Tcp, "1.1.1.1", Guest::Denied)).find("the guest's word alone") != std::string::npos);
    for (const auto kind : {Kind::DnsUdp, Kind::DnsTcp, Kind::Icmp}) {
        auto one = on_tsi(kind, "10.231.0.1", Guest::Denied);
        if (kind == Kind::Icmp) one.target.port = 0;
        CHECK(verdict(one) == Verdict::Holds);
        one.guest = Guest::TimedOut;
        CHECK(verdict(one) == (kind == Kind::DnsTcp ? Verdict::Fails : Verdict::Holds));
        // Here nobody answers for a name, smolvm neither.
        for (const auto guest : {Guest::Nxdomain, Guest::Answered}) {
            one.guest = guest;
            CHECK(verdict(one) == Verdict::Fails);
        }
    }
    const auto port = result(Kind::BundlePort, Expect::Reached, "127.0.0.16", Guest::Data);
    CHECK(judge_guest({{}, "n", {port, with_listener(on_tsi(Kind::Tcp, "10.231.0.1", Guest::Denied))}}).size() == 2);
    CHECK(judge_guest({{}, "n", {port, on_tsi(Kind::Tcp, "1.1.1.1", Guest::Denied)}}).size() == 3);
    // A listener of the guest's is looked for on the host as on any machine.
    auto listener = result(Kind::Listener, Expect::Unlogged, "0.0.0.0", Guest::Listening);
    CHECK(verdict(with_listener(listener)) == Verdict::Holds);
    CHECK(verdict(with_listener(listener, 1)) == Verdict::Fails);
}

TEST_CASE("without a network: no route to anything, with a live listener wherever one can stand") {
    const auto offline = [](Kind kind, const std::string& address, Guest guest) { return result(kind, Expect::NoRoute, address, guest); };
    const auto verdict = [](const ProbeResult& one) { return judge_guest({{}, "n", {one}}).front().verdict; };
    for (const auto kind : {Kind::Tcp, Kind::Udp, Kind::Tcp6, Kind::Udp6}) {
        const std::string address = kind == Kind::Tcp || kind == Kind::Udp ? "10.231.0.1" : "fd53:4d00::1";
        const auto good = with_listener(offline(kind, address, Guest::Unreachable));
        CHECK(verdict(good) == Verdict::Holds);
        CHECK(verdict(with_listener(offline(kind, address, Guest::Unreachable), 1)) == Verdict::Fails);
        CHECK(verdict(offline(kind, address, Guest::Unreachable)) == Verdict::Unknown);
        for (const auto guest : {Guest::Connected, Guest::Data, Guest::Held, Guest::Reset, Guest::Answered, Guest::Nxdomain}) {
            CHECK(verdict(with_listener(offline(kind, address, guest))) == Verdict::Fails);
        }
        // A refusal is somebody's: there is a network.
        for (const auto guest : {Guest::Refused, Guest::Denied, Guest::TimedOut, Guest::NotRun, Guest::Other}) {
            CHECK(verdict(with_event(with_listener(offline(kind, address, guest)))) == Verdict::Unknown);
        }
    }
    for (const auto* own : {"127.0.0.1", "127.255.255.254", "::1"}) {
        INFO(own);
        CHECK(verdict(with_listener(offline(Kind::Tcp, own, Guest::Refused))) == Verdict::Holds);
        CHECK(verdict(offline(Kind::Tcp, own, Guest::Refused)) == Verdict::Unknown);
        CHECK(verdict(with_listener(offline(Kind::Tcp, own, Guest::Refused), 1)) == Verdict::Fails);
        CHECK(verdict(with_listener(offline(Kind::Tcp, own, Guest::TimedOut))) == Verdict::Unknown);
    }
    for (const auto* other : {"126.255.255.255", "128.0.0.0"}) CHECK(verdict(with_listener(offline(Kind::Tcp, other, Guest::Refused))) == Verdict::Unknown);
    // Where nothing of ours can listen.
    CHECK(verdict(offline(Kind::Tcp, "1.1.1.1", Guest::Unreachable)) == Verdict::Holds);
    for (const auto kind : {Kind::DnsUdp, Kind::DnsTcp, Kind::Icmp}) {
        auto one = offline(kind, "100.96.0.1", Guest::Unreachable);
        if (kind == Kind::Icmp) one.target.port = 0;
        CHECK(verdict(one) == Verdict::Holds);
        one.guest = Guest::TimedOut;
        CHECK(verdict(one) == Verdict::Unknown);
        one.guest = Guest::Nxdomain;
        CHECK(verdict(one) == Verdict::Fails);
    }
    const auto port = result(Kind::BundlePort, Expect::Reached, "127.0.0.1", Guest::Data);
    CHECK(judge_guest({{}, "n", {port, with_listener(offline(Kind::Tcp, "10.231.0.1", Guest::Unreachable))}}).size() == 2);
    CHECK(judge_guest({{}, "n", {port, offline(Kind::Tcp, "1.1.1.1", Guest::Unreachable)}}).size() == 3);
}
