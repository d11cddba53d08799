#pragma once

#include <string>
#include <vector>

namespace bottle {

/// The one of `words` that is nearest to `word`, if it is at most two edits (insert, remove, replace, swap of neighbours) away; else empty.
/// Case does not count.
std::string nearest_word(const std::string& word, const std::vector<std::string>& words);

}  // namespace bottle
