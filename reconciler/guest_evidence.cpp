#include "reconciler/guest_evidence.h"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>

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
    return address.rfind("::ffff:", 0) == 0;
}

/// The first two numbers of a dotted address; -1 where there are none.
std::pair<int, int> first_bytes(const std::string& address) {
    int bytes[2] = {-1, -1};
    std::size_t at = is_mapped(address) ? 7 : 0;
    for (int& byte : bytes) {
        int value = -1;
        for (; at < address.size() && address[at] >= '0' && address[at] <= '9' && value < 1000; ++at) {
            value = (value < 0 ? 0 : value) * 10 + (address[at] - '0');
        }
        byte = value;
        if (at >= address.size() || address[at] != '.') break;
        ++at;
    }
    return {bytes[0], bytes[1]};
}

/// Addresses that can be this host's or another bottle's: there a listener of ours is always possible, and its absence
/// is a run that went wrong. Public ones may be the host's own too; then the listener shows in listener_live.
bool can_have_listener(const std::string& address) {
    auto [first, second] = first_bytes(address);
    bool shared = first == 100 && second >= 64 && second <= 127;  // RFC 6598, smolvm's own gateway among them
    bool local = first == 10 || first == 127 || (first == 172 && second >= 16 && second <= 31) ||
                 (first == 192 && second == 168);
    return shared || local;
}

/// Bytes, an open connection, or an answer: the other side was there.
bool got_through(Guest guest) {
    return guest == Guest::Data || guest == Guest::Held || guest == Guest::Connected || guest == Guest::Reset ||
           guest == Guest::Answered || guest == Guest::Nxdomain;
}

Judgement judge_port(const ProbeResult& result) {
    switch (result.guest) {
        case Guest::Data:
            return holds("it answered");
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

Judgement judge_without_event(const ProbeResult& result) {
    if (!result.event_readable) return unknown("smolvm's denial log cannot be read");
    return unknown("smolvm logged no refusal of it: not measured");
}

Judgement judge_tcp(const ProbeResult& result) {
    bool guarded = result.listener_live || can_have_listener(result.target.address);
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
    if (!result.event || !result.event_readable) return judge_without_event(result);
    return holds(guarded ? "the listener there met nobody, and smolvm logged the refusal"
                         : "smolvm logged the refusal");
}

Judgement judge_udp(const ProbeResult& result) {
    bool guarded = result.listener_live || can_have_listener(result.target.address);
    if (was_hit(result)) return fails("a listener of ours there was reached");
    if (got_through(result.guest)) return fails("something answered");
    if (guarded && !result.listener_live) return unknown("no live listener of ours stood behind it");
    if (result.guest == Guest::NotRun || result.guest == Guest::Other) return unknown("it could not be tried");
    if (!result.event || !result.event_readable) return judge_without_event(result);
    return holds(guarded ? "the listener there met nobody, and smolvm logged the refusal"
                         : "smolvm logged the refusal");
}

Judgement judge_dns(const ProbeResult& result) {
    switch (result.guest) {
        case Guest::Nxdomain:
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

Judgement judge_six(const ProbeResult& result) {
    if (was_hit(result)) return fails("a listener of ours there was reached");
    if (got_through(result.guest)) return fails("the guest got through");
    if (result.guest == Guest::NotRun || result.guest == Guest::Other) return unknown("it could not be tried");
    if (result.listener_live) return holds("the listener there met nobody");
    if (result.event && result.event_readable) return holds("smolvm logged the refusal");
    if (result.guest == Guest::Unreachable) return holds("the guest has no route");
    return unknown("no live listener of ours stood behind it");
}

Judgement judge(const ProbeResult& result) {
    if (result.target.expect == Expect::Reached || result.target.kind == Kind::BundlePort) {
        if (result.target.expect == Expect::Reached && result.target.kind == Kind::BundlePort)
            return judge_port(result);
        return unknown("a target that makes no sense");
    }
    switch (result.target.kind) {
        case Kind::Tcp:
            return judge_tcp(result);
        case Kind::Udp:
            return judge_udp(result);
        case Kind::DnsUdp:
        case Kind::DnsTcp:
            return judge_dns(result);
        case Kind::Icmp:
            return judge_echo(result);
        case Kind::Tcp6:
            return is_mapped(result.target.address) ? judge_tcp(result) : judge_six(result);
        case Kind::Udp6:
            return is_mapped(result.target.address) ? judge_udp(result) : judge_six(result);
        case Kind::BundlePort:
            break;
    }
    return unknown("a target that makes no sense");
}

std::string where(const ProbeTarget& target) {
    if (!target.name.empty()) return fmt::format("{} at {}", target.name, target.address);
    if (target.kind == Kind::Icmp) return target.address;
    bool six = target.address.find(':') != std::string::npos;
    return six ? fmt::format("[{}]:{}", target.address, target.port)
               : fmt::format("{}:{}", target.address, target.port);
}

Evidence evidence_of(const ProbeResult& result) {
    Judgement judged = judge(result);
    std::string reading = fmt::format("{}, {} {}: {} in the guest; {}", result.target.what, word_of(result.target.kind),
                                      where(result.target), word_of(result.guest), judged.why);
    return {EvidenceKind::Guest, judged.verdict, std::move(reading), {}};
}

bool is_live_denied(const ProbeResult& result) {
    return result.target.expect == Expect::Denied && result.listener_live;
}

}  // namespace

std::vector<Evidence> judge_guest(const GuestReading& reading) {
    if (!reading.problem.empty()) {
        return {{EvidenceKind::Guest, Verdict::Unknown, "the guest could not be probed: " + reading.problem, {}}};
    }
    std::vector<Evidence> evidence;
    for (const ProbeResult& result : reading.results) evidence.push_back(evidence_of(result));
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
                           {"expect", target.expect == Expect::Reached  ? "reached"
                                      : target.expect == Expect::Denied ? "denied"
                                                                        : "own gateway"},
                           {"guest", word_of(result.guest)},
                           {"detail", result.guest_detail},
                           {"listenerLive", result.listener_live},
                           {"listenerHits", result.listener_hits},
                           {"hostSaw", result.host_saw},
                           {"event", result.event},
                           {"eventReadable", result.event_readable}});
    }
    nlohmann::ordered_json text{{"nonce", reading.nonce}, {"problem", reading.problem}, {"results", results}};
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
        case Guest::Other:
            return "another error";
    }
    return "another error";
}

const char* word_of(ProbeTarget::Kind kind) {
    switch (kind) {
        case Kind::BundlePort:
        case Kind::Tcp:
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
