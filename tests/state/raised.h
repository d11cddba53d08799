#pragma once

#include "manifests/error.h"

#include <functional>
#include <string>

/// The text of the bottle::Error that `act` raises, with its exit code: "1: …"; empty when it raises none.
inline std::string raised(const std::function<void()>& act) {
    try {
        act();
    } catch (const bottle::Error& error) {
        return std::to_string(static_cast<int>(error.exit())) + ": " + error.what();
    }
    return {};
}
