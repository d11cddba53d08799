#pragma once

#include <cstddef>
#include <functional>

namespace bottle {

/// Calls `work` with each number below `count`, at most `parallel` (1 or more) at a time, each in a thread of its own or in the caller's, and returns when all have
/// returned. `work` must not throw.
void at_once(std::size_t count, std::size_t parallel, const std::function<void(std::size_t)>& work);

}  // namespace bottle
