#pragma once

#include "controllers/docker/engine.h"

#include <string>

namespace bottle {

bool is_podman_under_test(Engine& engine);

/// One line for tests/docker/matrix: what `engine`, with its version, made of a case.
void tell_matrix(Engine& engine, const std::string& name, const std::string& result);

}  // namespace bottle
