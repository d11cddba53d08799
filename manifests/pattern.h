#pragma once

#include <string_view>

namespace bottle {

/// Whether a text is one that the host policy's pattern means: * stands for any text without a /, ** for any text, every other character for itself.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace bottle
