#pragma once

#include "reconciler/guest_reading.h"

#include <cstdint>
#include <string>

// What one target's try brought in, as tests put it together.
namespace bottle {

inline ProbeResult result(ProbeTarget::Kind kind, ProbeTarget::Expect expect, const std::string& address, ProbeResult::Guest guest) {
    ProbeResult made;
    bool dns = kind == ProbeTarget::Kind::DnsUdp || kind == ProbeTarget::Kind::DnsTcp;
    made.target = {kind, expect, "thing", address, dns ? 53 : 4000, dns ? "0a.bottle-probe.invalid" : ""};
    made.guest = guest;
    made.event_readable = true;
    return made;
}

inline ProbeResult with_listener(ProbeResult made, std::int64_t hits = 0) {
    made.listener_live = true;
    made.listener_hits = hits;
    return made;
}

inline ProbeResult with_event(ProbeResult made) {
    made.event = true;
    return made;
}

}  // namespace bottle
