#include "controllers/guest/probe/embedded.h"

#include <cstddef>

// The assembler puts the file between two symbols. A C++ array of the same bytes would take seconds to compile.
asm(".pushsection .rodata\n"
    ".global bottle_probe_begin\n"
    ".global bottle_probe_end\n"
    ".balign 16\n"
    "bottle_probe_begin:\n"
    ".incbin \"" BOTTLE_PROBE_FILE
    "\"\n"
    "bottle_probe_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" const char bottle_probe_begin[];
extern "C" const char bottle_probe_end[];

namespace bottle {

std::string_view embedded_probe() {
    return {bottle_probe_begin, static_cast<std::size_t>(bottle_probe_end - bottle_probe_begin)};
}

}  // namespace bottle
