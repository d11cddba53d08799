#pragma once

#include "manifests/error.h"

#include <optional>

namespace bottle {

/// A value of the host policy, and where it stands there: who is refused by it is told.
template <class T>
struct Stated {
    T value{};
    Place place;

    bool operator==(const Stated&) const = default;
};

/// Nothing: the policy does not say it, and the host limits nothing there.
template <class T>
using Limit = std::optional<Stated<T>>;

}  // namespace bottle
