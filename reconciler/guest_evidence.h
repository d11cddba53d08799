#pragma once

#include "reconciler/guest_reading.h"
#include "reconciler/observed.h"

#include <string>
#include <vector>

namespace bottle {

/// What one run of the guest probe shows: one Evidence of kind Guest for each target, in their order, then one for each
/// control that the run as a whole lacks (no bundle port was tried; no denied target had a live listener of ours).
/// A run that was not brought to its end is one Unknown.
///
/// Fails: the guest got somewhere, or something answered that must not. Unknown: not reached, but not shown to be
/// smolvm's refusal either (on an open machine an unused port looks the same). What holds, by protocol:
///   bundle port      data came back, or the connection stayed open for a second; and the host saw it
///   TCP              refused in the guest, the listener was live before and met nobody, and smolvm logged the refusal
///   UDP              the listener was live before and met nobody, and smolvm logged the refusal
///   DNS              NXDOMAIN, and smolvm logged the refusal of this very name
///   ICMP             unanswered; smolvm's own gateway may answer
///   IPv6             no route or failure, and the listener met nobody (IPv4-mapped addresses count as TCP)
///   no network       no route, and the listener, where one can stand, was live before and met nobody; on its own loopback the guest may be refused.
///                    smolvm has no policy there that could refuse, and logs nothing (1.32.2)
///   unlogged         TCP: refused in the guest, and the listener, where one can stand, was live before and met nobody; where none can, the guest was told
///                    that it may not (EACCES, as TSI says it: 0.8.0, source), which is its word alone. UDP: the listener was live before and met nobody; DNS and
///                    ICMP: no answer
///   guest's listener nobody came, and no listener on the host was it, in a table that shows ours
/// Where smolvm logs no refusals (1.4.0), the host's firewall takes the log's place, and every refusal needs all of it: the table of the uid that the VMM
/// really has was as installed before and after the run; what reached the bundle was counted in it; it refused nothing meanwhile, so that it was smolvm
/// that refused; and for a name, it lets nothing through to a port 53.
/// Where nothing of ours can listen (public and link-local addresses, ports below 1024) the log line, or the firewall, is what counts; without it the
/// target is "not measured" at best.
std::vector<Evidence> judge_guest(const GuestReading& reading);

/// True if there is evidence, all of it of kind Guest, and all of it holds.
bool guest_holds(const std::vector<Evidence>& evidence);

/// The reading as JSON, for `bottle proof` and the stored proof: every target, what the guest said, what the host saw.
std::string raw_text(const GuestReading& reading);

/// Words for people and for raw_text: "refused", "timed out"; "tcp", "dns by udp".
const char* word_of(ProbeResult::Guest guest);
const char* word_of(ProbeTarget::Kind kind);

}  // namespace bottle
