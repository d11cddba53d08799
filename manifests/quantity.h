#pragma once

#include <cstdint>
#include <string>

namespace bottle {

/// A Kubernetes quantity of bytes: digits and Ki, Mi, Gi, Ti, or k, M, G, T, or none.
struct Quantity {
    std::int64_t bytes = 0;
    std::string problem;  ///< not empty: no such quantity
    std::string hint;     ///< the right spelling, where what was meant is clear ("4GiB", "4g", "4gb", "1.5Gi")
};

Quantity read_quantity(const std::string& text);

/// A number without a unit, as it stands in the manifest ("4096", "1.5"): never a quantity; the hint has the units that it may mean.
Quantity quantity_of_number(const std::string& digits);

/// The other way: in the largest of Gi, Mi and Ki that gives a whole number ("4Gi", "1536Mi", "0Gi").
std::string quantity_text(std::int64_t bytes);

}  // namespace bottle
