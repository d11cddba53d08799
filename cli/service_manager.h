#pragma once

#include <string>

namespace bottle {

/// Tells the service manager that started us (systemd's Type=notify; sd_notify(3), 252) what there is to tell: "READY=1", "WATCHDOG=1", "STATUS=…". Nothing where
/// none did, and no failure where it cannot be told.
void tell_service_manager(const std::string& state);

}  // namespace bottle
