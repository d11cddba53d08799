// The guard runs as the program that made it: /proc/self/exe with the word __guard.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "controllers/machine/guard.h"

#include <string_view>

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "__guard") return bottle::guard_main(argc, argv);
    return Catch::Session().run(argc, argv);
}
