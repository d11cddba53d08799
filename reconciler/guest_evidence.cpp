#include "reconciler/guest_evidence.h"

#include "reconciler/address.h"
#include "reconciler/firewall.h"
#include "reconciler/wall.h"

#include <fmt/format.h>
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

namespace bottle {
namespace {

using Kind = ProbeTarget::Kind;
using Expect = ProbeTarget::Expect;
using Guest = ProbeResult::Guest;

struct Judgement {
    Verdict verdict = Verdict::Unknown;
    std::string why;
};

Judgement holds(std::string why) {
    return {Verdict::Holds, std::move(why)};
}
Judgement fails(std::string why) {
    return {Verdict::Fails, std::move(why)};
}
Judgement unknown(std::string why) {
    return {Verdict::Unknown, std::move(why)};
}

bool is_mapped(const std::string& address) {
    return address.rfind(kMappedPrefix, 0) == 0;
}

/// Where the host itself, its containers and other bottles are: RFC 1918 and 1122, and RFC 6598 with smolvm's own gateway.
constexpr Subnet kLocal[] = {{0x0a000000, 8}, {0x64400000, 10}, {0x7f000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}};

/// Addresses that can be this host's or another bottle's: there a listener of ours is always possible, and its absence
/// is a run that went wrong; the same for what is no address. Public ones may be the host's own too; then the listener shows in
/// listener_live. A well-known port is the host's own services': none of ours can be counted on there.
bool can_have_listener(const ProbeTarget& target) {
    constexpr int kWellKnown = 1024;
    if (target.port < kWellKnown) return false;
    std::string_view text = target.address;
    if (is_mapped(target.address)) text.remove_prefix(kMappedPrefix.size());
    auto address = parse_address(text);
    return !address || std::any_of(std::begin(kLocal), std::end(kLocal), [&](const Subnet& subnet) { return subnet.contains(*address); });
}

/// Bytes, an open connection, or an answer: the other side was there.
bool got_through(Guest guest) {
    return guest == Guest::Data || guest == Guest::Held || guest == Guest::Connected || guest == Guest::Reset ||
           guest == Guest::Answered || guest == Guest::Nxdomain;
}

Judgement judge_port(const ProbeResult& result) {
    switch (result.guest) {
        case Guest::Data:
            if (result.host_saw) return holds("it answered, and the host saw the connection");
            return unknown("it answered, the guest says, but the host saw no connection");
        case Guest::Held:
            if (result.host_saw) return holds("the connection stayed open, and the host saw it");
            return unknown("the connection stayed open, but the host did not see it: smolvm accepts before it dials");
        case Guest::NotRun:
        case Guest::Other:
            return unknown("it could not be tried");
        default:
            return fails("the guest does not reach it");
    }
}

/// What every denied target has in common: what speaks against it, whatever the guest says.
bool was_hit(const ProbeResult& result) {
    return result.listener_hits != 0;
}

/// That a try which came to nothing was refused: by smolvm's log, or where it writes none by the firewall. `guarded`: a listener of ours met nobody.
Judgement judge_refusal(const ProbeResult& result, bool guarded, const std::optional<Wall>& wall) {
    const std::string silent = guarded ? "the listener there met nobody, and " : "";
    if (wall) return wall->doubt.empty() ? holds(silent + wall->words) : unknown(wall->doubt);
    if (!result.event_readable) return unknown("smolvm's denial log cannot be read");
    if (!result.event) return unknown("smolvm logged no refusal of it: not measured");
    return holds(silent + "smolvm logged the refusal");
}

Judgement judge_tcp(const ProbeResult& result, const std::optional<Wall>& wall) {
    bool guarded = result.listener_live || can_have_listener(result.target);
    if (was_hit(result)) return fails("a listener of ours there was reached");
    if (got_through(result.guest)) return fails("the guest got a connection");
    if (guarded && !result.listener_live) return unknown("no live listener of ours stood behind it");
    switch (result.guest) {
        case Guest::Refused:
            break;
        case Guest::Unreachable:
        case Guest::Denied:
            return unknown("it failed in another way than smolvm's policy refuses: not measured");
        case Guest::TimedOut:
            if (!guarded) return fails("nothing refused it: it may have left the host");
            return unknown("a timeout alone proves nothing");
        default:
            return unknown("it could not be tried");
    }
    return judge_refusal(result, guarded, wall);
}

Judgement judge_udp(const ProbeResult& result, const std::optional<Wall>& wall) {
    bool guarded = result.listener_live || can_have_listener(result.target);
    if (was_hit(result)) return fails("a listener of ours there was reached");
    if (got_through(result.guest)) return fails("something answered");
    if (guarded && !result.listener_live) return unknown("no live listener of ours stood behind it");
    if (result.guest == Guest::NotRun || result.guest == Guest::Other) return unknown("it could not be tried");
    return judge_refusal(result, guarded, wall);
}

/// NXDOMAIN may be a resolver's own answer, too, whom smolvm asked.
Judgement judge_name_behind(const Wall& wall) {
    if (!wall.doubt.empty()) return unknown(wall.doubt);
    if (!wall.names_doubt.empty()) return unknown(wall.names_doubt);
    return holds("no resolver can have been asked: " + wall.words);
}

Judgement judge_dns(const ProbeResult& result, const std::optional<Wall>& wall) {
    switch (result.guest) {
        case Guest::Nxdomain:
            if (wall) return judge_name_behind(*wall);
            if (!result.event_readable) return unknown("smolvm's denial log cannot be read");
            if (!result.event) return fails("a resolver was asked: smolvm logged no refusal of the name");
            return holds("smolvm refused the name itself, and logged it");
        case Guest::Answered:
            return fails("a resolver answered");
        case Guest::Data:
        case Guest::Held:
        case Guest::Connected:
        case Guest::Reset:
            return fails("the connection was taken, but smolvm did not refuse the name");
        case Guest::NotRun:
        case Guest::Other:
            return unknown("it could not be tried");
        default:
            return unknown("names are not shown to be closed: no NXDOMAIN came from smolvm");
    }
}

Judgement judge_echo(const ProbeResult& result) {
    bool own = result.target.expect == Expect::OwnGateway;
    switch (result.guest) {
        case Guest::Answered:
            if (own) return holds("smolvm answers for it itself");
            return fails("it answered");
        case Guest::TimedOut:
        case Guest::Unreachable:
            return holds(result.event ? "unanswered, and smolvm logged the refusal" : "unanswered");
        default:
            return unknown("no echo could be sent");
    }
}

Judgement judge_six(const ProbeResult& result, const std::optional<Wall>& wall) {
    if (was_hit(result)) return fails("a listener of ours there was reached");
    if (got_through(result.guest)) return fails("the guest got through");
    if (result.guest == Guest::NotRun || result.guest == Guest::Other) return unknown("it could not be tried");
    if (result.listener_live) return holds("the listener there met nobody");
    if (wall ? wall->doubt.empty() : result.event) return judge_refusal(result, false, wall);
    if (result.guest == Guest::Unreachable) return holds("the guest has no route");
    return unknown("no live listener of ours stood behind it");
}

bool is_loopback(const std::string& address) {
    constexpr Subnet kLoopback{0x7f000000, 8};
    const auto four = parse_address(address);
    return address == "::1" || (four && kLoopback.contains(*four));
}

/// Of a machine without a network. Under TSI, where the guest's sockets are the host's own, it would come to the listener, on the loopback too.
Judgement judge_no_route(const ProbeResult& result) {
    if (was_hit(result)) return fails("a listener of ours there was reached");
    if (got_through(result.guest)) return fails("something answered: the machine has a network");
    if (can_have_listener(result.target) && !result.listener_live) return unknown("no live listener of ours stood behind it");
    if (result.guest == Guest::Unreachable) return holds(result.listener_live ? "the guest has no route, and the listener there met nobody" : "the guest has no route");
    if (result.guest != Guest::Refused || !is_loopback(result.target.address)) return unknown("it is not shown that the guest has no way to it");
    return holds("it is the guest's own loopback, and the listener on the host's met nobody");
}

bool is_datagram(Kind kind) {
    return kind == Kind::Udp || kind == Kind::Udp6 || kind == Kind::DnsUdp || kind == Kind::Icmp;
}

/// Of a machine on TSI. On an open one, or under a list that is not enforced, it would come to the listener; a public address would answer, or keep silent.
Judgement judge_unlogged(const ProbeResult& result) {
    const bool guarded = result.listener_live || can_have_listener(result.target);
    const bool silent = result.guest == Guest::TimedOut && is_datagram(result.target.kind);
    if (was_hit(result)) return fails("a listener of ours there was reached");
    if (got_through(result.guest)) return fails("something answered: the list does not hold the guest");
    if (guarded && !result.listener_live) return unknown("no live listener of ours stood behind it");
    if (guarded) {
        const bool refused = result.guest == Guest::Refused || result.guest == Guest::Denied || result.guest == Guest::Unreachable;
        if (refused || silent) return holds("the listener there met nobody; nothing on the host logged it");
        return unknown(result.guest == Guest::TimedOut ? "a timeout alone proves nothing" : "it could not be tried");
    }
    if (result.guest == Guest::Denied || result.guest == Guest::Unreachable || silent) return holds("the guest's word alone: nothing on the host logged it, and none of ours can stand there");
    if (result.guest == Guest::TimedOut) return fails("nothing refused it: it may have left the host");
    return unknown("it failed in another way than smolvm's policy refuses: not measured");
}

/// A machine with a published port listens on the host. (TSI alone does not make it: 1.32.2.)
Judgement judge_listener(const ProbeResult& result) {
    if (was_hit(result)) return fails("the host listens there for it: others can reach the guest");
    if (got_through(result.guest)) return fails("somebody reached it");
    if (result.guest != Guest::Listening) return unknown("the guest could not listen");
    if (!result.listener_live) return unknown("the host's listeners could not be read");
    return holds("no listener of it stands on the host");
}

Judgement judge(const ProbeResult& result, const std::optional<Wall>& wall) {
    if (result.target.expect == Expect::Reached || result.target.kind == Kind::BundlePort) {
        if (result.target.expect == Expect::Reached && result.target.kind == Kind::BundlePort)
            return judge_port(result);
        return unknown("a target that makes no sense");
    }
    if (result.target.expect == Expect::NoRoute && result.target.kind != Kind::Listener) return judge_no_route(result);
    if (result.target.expect == Expect::Unlogged && result.target.kind != Kind::Listener) return judge_unlogged(result);
    switch (result.target.kind) {
        case Kind::Tcp:
            return judge_tcp(result, wall);
        case Kind::Udp:
            return judge_udp(result, wall);
        case Kind::DnsUdp:
        case Kind::DnsTcp:
            return judge_dns(result, wall);
        case Kind::Icmp:
            return judge_echo(result);
        case Kind::Tcp6:
            return is_mapped(result.target.address) ? judge_tcp(result, wall) : judge_six(result, wall);
        case Kind::Udp6:
            return is_mapped(result.target.address) ? judge_udp(result, wall) : judge_six(result, wall);
        case Kind::Listener:
            return judge_listener(result);
        case Kind::BundlePort:
            break;
    }
    return unknown("a target that makes no sense");
}

const char* word_of(Expect expect) {
    switch (expect) {
        case Expect::Reached:
            return "reached";
        case Expect::Denied:
            return "denied";
        case Expect::OwnGateway:
            return "own gateway";
        case Expect::Unlogged:
            return "denied, unlogged";
        case Expect::NoRoute:
            return "no route";
    }
    return "denied";
}

std::string where(const ProbeTarget& target) {
    if (!target.name.empty()) return fmt::format("{} at {}", target.name, target.address);
    if (target.kind == Kind::Icmp) return target.address;
    bool six = target.address.find(':') != std::string::npos;
    return six ? fmt::format("[{}]:{}", target.address, target.port)
               : fmt::format("{}:{}", target.address, target.port);
}

Evidence evidence_of(const ProbeResult& result, const std::optional<Wall>& wall) {
    Judgement judged = judge(result, wall);
    std::string reading = fmt::format("{}, {} {}: {} in the guest; {}", result.target.what, word_of(result.target.kind),
                                      where(result.target), word_of(result.guest), judged.why);
    return {EvidenceKind::Guest, judged.verdict, std::move(reading), {}};
}

nlohmann::ordered_json table_json(const Observation<std::string>& table) {
    if (!table.present()) return table.unknown() ? "could not be read: " + table.why() : "absent";
    const auto traffic = firewall_traffic(*table).value_or(FirewallTraffic{});
    return {{"accepted", traffic.accepted}, {"rejected", traffic.rejected}};
}

nlohmann::ordered_json wall_json(const WallReading& wall) {
    return {{"smolvm", wall.smolvm}, {"vmmUid", wall.vmm_uid}, {"before", table_json(wall.before)}, {"after", table_json(wall.after)}};
}

bool is_live_denied(const ProbeResult& result) {
    const bool must_not_reach = result.target.expect == Expect::Denied || result.target.expect == Expect::Unlogged || result.target.expect == Expect::NoRoute;
    return must_not_reach && result.target.kind != Kind::Listener && result.listener_live;
}

}  // namespace

std::vector<Evidence> judge_guest(const GuestReading& reading) {
    if (!reading.problem.empty()) {
        return {{EvidenceKind::Guest, Verdict::Unknown, "the guest could not be probed: " + reading.problem, {}}};
    }
    const auto wall = reading.wall ? std::optional(wall_of(*reading.wall)) : std::nullopt;
    std::vector<Evidence> evidence;
    for (const ProbeResult& result : reading.results) evidence.push_back(evidence_of(result, wall));
    auto is_port = [](const ProbeResult& result) { return result.target.kind == Kind::BundlePort; };
    const auto& results = reading.results;
    if (std::none_of(results.begin(), results.end(), is_port)) {
        evidence.push_back({EvidenceKind::Guest,
                            Verdict::Unknown,
                            "no port of the bundle was tried: a guest without any network would look the same",
                            {}});
    }
    if (std::none_of(results.begin(), results.end(), is_live_denied)) {
        evidence.push_back(
            {EvidenceKind::Guest, Verdict::Unknown, "no denied target had a live listener behind it", {}});
    }
    return evidence;
}

bool guest_holds(const std::vector<Evidence>& evidence) {
    auto good = [](const Evidence& one) { return one.kind == EvidenceKind::Guest && one.verdict == Verdict::Holds; };
    return !evidence.empty() && std::all_of(evidence.begin(), evidence.end(), good);
}

std::string raw_text(const GuestReading& reading) {
    nlohmann::ordered_json results = nlohmann::ordered_json::array();
    for (const ProbeResult& result : reading.results) {
        const ProbeTarget& target = result.target;
        results.push_back({{"what", target.what},
                           {"protocol", word_of(target.kind)},
                           {"address", target.address},
                           {"port", target.port},
                           {"name", target.name},
                           {"expect", word_of(target.expect)},
                           {"guest", word_of(result.guest)},
                           {"detail", result.guest_detail},
                           {"listenerLive", result.listener_live},
                           {"listenerHits", result.listener_hits},
                           {"hostSaw", result.host_saw},
                           {"event", result.event},
                           {"eventReadable", result.event_readable}});
    }
    nlohmann::ordered_json text{{"nonce", reading.nonce}, {"problem", reading.problem}, {"results", results}};
    if (reading.wall) text["firewall"] = wall_json(*reading.wall);
    return text.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

const char* word_of(ProbeResult::Guest guest) {
    switch (guest) {
        case Guest::NotRun:
            return "not tried";
        case Guest::Connected:
            return "connected";
        case Guest::Data:
            return "answered with data";
        case Guest::Held:
            return "held open";
        case Guest::Reset:
            return "connected, then reset";
        case Guest::Refused:
            return "refused";
        case Guest::Unreachable:
            return "unreachable";
        case Guest::Denied:
            return "permission denied";
        case Guest::TimedOut:
            return "timed out";
        case Guest::Nxdomain:
            return "NXDOMAIN";
        case Guest::Answered:
            return "answered";
        case Guest::Listening:
            return "listened, and nobody came";
        case Guest::Other:
            return "another error";
    }
    return "another error";
}

const char* word_of(ProbeTarget::Kind kind) {
    switch (kind) {
        case Kind::BundlePort:
        case Kind::Tcp:
        case Kind::Listener:
            return "tcp";
        case Kind::Udp:
            return "udp";
        case Kind::DnsUdp:
            return "dns by udp";
        case Kind::DnsTcp:
            return "dns by tcp";
        case Kind::Icmp:
            return "icmp echo";
        case Kind::Tcp6:
            return "tcp over IPv6";
        case Kind::Udp6:
            return "udp over IPv6";
    }
    return "tcp";
}

}  // namespace bottle
