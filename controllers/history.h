#pragma once

#include "controllers/state/state_store.h"

#include <string>

namespace bottle {

/// What our records tell of what happened. Reads only: no file is made, and none is changed.
class History {
public:
    /// `state_folder`: Session::state_folder().
    explicit History(const std::string& state_folder) : store_(state_folder + "/state.db") {}

    /// RFC 3339; empty where it is not known.
    std::string created(const std::string& bottle) { return store_.created(bottle).value_or(""); }
    /// Of one bottle, also of one that was deleted; of all for an empty name.
    Records records(const std::string& bottle) { return store_.history(bottle); }

private:
    StateStore store_;
};

}  // namespace bottle
