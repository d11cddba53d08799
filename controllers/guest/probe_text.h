#pragma once

#include "reconciler/guest_reading.h"

#include <string>
#include <vector>

namespace bottle {

/// What the program bottle-probe reads: nonce, one line a target, "end". Target i has the id "t<i>".
std::string probe_request(const std::string& nonce, const std::vector<ProbeTarget>& targets);

/// Reads what it printed into `results` (one for each target, same order; only the guest's part is filled in).
/// The text comes out of a guest that may lie and may print anything: every line must carry the nonce, every target
/// must be answered once, in known words. Returns empty, or what is wrong; then the results are worth nothing.
std::string read_probe_answer(const std::string& nonce, const std::string& text, std::vector<ProbeResult>& results);

/// The most targets that one request may have: kMaxTargets of the probe.
inline constexpr std::size_t kMaxProbeTargets = 96;

}  // namespace bottle
