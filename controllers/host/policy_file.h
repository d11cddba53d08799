#pragma once

#include "manifests/host_policy.h"

#include <string>

namespace bottle {

/// The host policy at `path`; the defaults, with `file` set, when nothing is there. Who could write the file decides about confinement: it has to
/// belong to root or us, to be no link, and to be writable by nobody else, as has every folder above it.
/// Throws Error{Exit::Precondition} when it is not so, or when it cannot be read; Error{Exit::Usage} for what it says, as `parse_host_policy` and
/// `pool_problems` do.
HostPolicy read_host_policy(const std::string& path);

}  // namespace bottle
