#pragma once

#include <string>
#include <vector>

namespace bottle {

/// The shells that a completion is written for.
const std::vector<std::string>& completion_shells();

/// What a shell reads to complete bottle's words, for one of `completion_shells`. It asks `bottle __complete WORD...` at each try (cli/complete.h), so that
/// it knows no command itself, and never reads an answer as code of its own language.
std::string completion_script(const std::string& shell);

}  // namespace bottle
