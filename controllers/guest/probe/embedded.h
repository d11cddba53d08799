#pragma once

#include <string_view>

namespace bottle {

/// The static program `bottle-probe`, as it is copied into a guest: an ELF executable of this machine's architecture.
std::string_view embedded_probe();

}  // namespace bottle
