#pragma once

#include "reconciler/desired.h"

#include <nlohmann/json_fwd.hpp>

namespace bottle {

/// A bottle's networks, volumes and containers as a Compose file (the Compose Specification), for running its bundle by hand or looking at it with
/// Compose's own tools; the machine, its list and the proof have no counterpart there. A $ in a text is written $$, so that Compose replaces nothing.
/// Variables stand in it with their values. Names are the manifest's own: Compose puts its project's name before them. Pure.
nlohmann::ordered_json compose_file(const Desired& desired);

}  // namespace bottle
