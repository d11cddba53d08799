#pragma once

#include <cstdint>
#include <string>

namespace bottle {

/// A Kubernetes quantity of bytes: digits and Ki, Mi, Gi, Ti, or k, M, G, T, or none.
struct Quantity {
    std::int64_t bytes = 0;
    std::string problem;  ///< not empty: no such quantity
    std::string hint;     ///< the right spelling, where what was meant is clear ("4GiB", "4g", "4gb")
};

Quantity read_quantity(const std::string& text);

}  // namespace bottle
