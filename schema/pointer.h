#pragma once

#include <string>

namespace bottle {

/// A key as a part of a JSON pointer (RFC 6901): ~ and / escaped.
inline std::string escaped_key(const std::string& key) {
    std::string text;
    for (const char c : key) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return text;
}

}  // namespace bottle
