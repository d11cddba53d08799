#pragma once

#include "reconciler/converge.h"

#include <string>

namespace bottle {

/// Tells what a converge came to: problems on stderr, one line of result on stdout. Returns its exit code.
Exit tell(const std::string& bottle, const ConvergeResult& result, const std::string& done);

}  // namespace bottle
