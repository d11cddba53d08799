#pragma once

#include "reconciler/guest_reading.h"

#include <string>

namespace bottle {

/// What the host's firewall comes to as a witness of refusals, where smolvm writes down none (1.4.0).
struct Wall {
    std::string doubt;        ///< not empty: why it speaks for no refusal
    std::string names_doubt;  ///< the same, of names alone
    std::string words;        ///< what a refusal rests on; empty with a doubt

    bool operator==(const Wall&) const = default;
};

/// It speaks for every refusal of a run, or for none: the table of the uid that the machine really has was exactly as installed before and after the
/// run; it let packets through meanwhile, so that it is this machine that it sees; and it refused none, so that it was smolvm that refused. Pure.
Wall wall_of(const WallReading& reading);

}  // namespace bottle
