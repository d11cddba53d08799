#include "cli/service_manager.h"

#include <systemd/sd-daemon.h>

namespace bottle {

void tell_service_manager(const std::string& state) {
    sd_notify(0, state.c_str());
}

}  // namespace bottle
