#pragma once

#include "reconciler/desired.h"

#include <map>
#include <string>

// What a plan rests on, as digests by what they are of: so that it can be told later what moved, and no value of it stands anywhere.
namespace bottle {

/// By the thing in words ("container bottle-docs-egress", "machine.cpus"): a digest, or one of the two words below.
using Fingerprint = std::map<std::string, std::string>;
inline constexpr const char* kWasAbsent = "absent";
inline constexpr const char* kWasUnknown = "unknown";
/// The name of whether Docker could be read.
inline constexpr const char* kDocker = "Docker";

/// Of every value that the manifest says, by its path; a value of a variable alone, too. Where it stands in its file is no part of it.
Fingerprint manifest_fingerprint(const Manifest& manifest, const KeyedDigest& digest);

/// Of what the manifest comes to on this host: the policy and what the host can do are in it. Left out is what the first apply of any bottle on a host
/// makes, and what hangs on it: the owner's id, the key of the keyed digests, the pause image.
Fingerprint desired_fingerprint(const Desired& desired, const KeyedDigest& digest);

/// Of everything of this bottle that a look saw, and of the images that `image_refs` name. Another bottle's things are no part of it, nor are counters.
Fingerprint observed_fingerprint(const std::string& bottle, const Snapshot& snapshot, const std::vector<std::string>& image_refs, const std::optional<FirewallRules>& firewall,
                                 const KeyedDigest& digest);

}  // namespace bottle
