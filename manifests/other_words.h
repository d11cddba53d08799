#pragma once

#include <string>

namespace bottle {

/// Where a key that the schema does not know stands in ours, if it is one that another tool has (Docker, Compose, Kubernetes) or that belongs a level
/// higher or lower; else empty. `pointer` is the unknown key's.
std::string hint_for_other_word(const std::string& pointer);

}  // namespace bottle
