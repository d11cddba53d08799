#include "tests/support/golden.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

void check_golden(const std::string& name, const std::string& text) {
    const auto path = std::string(BOTTLE_SOURCE) + "/tests/golden/" + name;
    if (std::getenv("BOTTLE_TEST_ACCEPT") != nullptr) {
        std::ofstream(path, std::ios::binary) << text;
        FAIL_CHECK("accepted " << name);
        return;
    }
    std::ifstream file(path, std::ios::binary);
    const std::string want{std::istreambuf_iterator<char>(file), {}};
    INFO(path);
    CHECK(text == want);
}
