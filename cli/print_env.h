#pragma once

#include <string>
#include <vector>

namespace bottle {

/// "export K='V'", one line a variable, for a POSIX shell. `environment`: "K=V". A NUL cannot be in one.
std::string env_text(const std::vector<std::string>& environment);
/// Format "bottle.env/v1".
std::string env_json(const std::string& bottle, const std::vector<std::string>& environment);

/// The text as one word of a POSIX shell, whatever is in it.
std::string shell_quoted(const std::string& text);

}  // namespace bottle
