#pragma once

#include <string>

/// Compares with the file tests/golden/<name>. With BOTTLE_TEST_ACCEPT=1 the file is written anew, and the test fails all the same, so that
/// no run that wrote its own oracle counts.
void check_golden(const std::string& name, const std::string& text);
