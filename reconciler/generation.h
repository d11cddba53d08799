#pragma once

#include "reconciler/desired.h"

#include <string>

namespace bottle {

/// All that a bottle shall be, in one text: another one for every change of a field, and so for what makes the generation rise. Left out is what
/// is only said about it: the manifest's place, the reasons for the mode and for no firewall, what is refused, and
/// the fingerprints of secrets, which only some commands read.
/// Variables' values stand in it in clear: only a keyed digest of it is stored.
std::string generation_text(const Desired& desired);

}  // namespace bottle
