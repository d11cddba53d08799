#pragma once

#include <cstdint>
#include <optional>

namespace bottle {

/// Whether the process `pid` is in our own network namespace. Nothing when it cannot be told: it is gone, or hidden
/// from us.
std::optional<bool> shares_our_network(std::int64_t pid);

}  // namespace bottle
