#pragma once

#include "controllers/log_source.h"
#include "manifests/error.h"
#include "reconciler/world.h"

#include <functional>
#include <string>

namespace bottle {

/// Goes on with a log until what writes it has ended (Exit::Ok), or the user has enough (Exit::Interrupted). `has_ended` looks at the whole bottle, and
/// is asked at every fourth turn only: that costs more than a look at the log. Throws what either look throws.
Exit follow_log(LogSource& log, const std::function<void(const std::string&)>& out, const std::function<bool()>& has_ended, Clock& clock);

}  // namespace bottle
