#include "cli/help.h"
#include "cli/man_page.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

using namespace bottle;

TEST_CASE("golden: the manual pages") {
    check_golden("cli/bottle.1", man_overview("0.0.0"));
    check_golden("cli/bottle-explain.1", man_page(*command_text("explain"), "0.0.0"));
}

TEST_CASE("roff prints every letter as it is") {
    CHECK(roff("--for=a\\b") == "\\-\\-for=a\\eb");
    CHECK(roff(".TH") == "\\&.TH");
    CHECK(roff("'quoted'") == "\\&'quoted'");
    CHECK(roff("").empty());
}

TEST_CASE("every command has its page, and every option stands on it") {
    for (const auto& command : command_texts()) {
        INFO(command.name);
        CHECK(man_overview("1").find(std::string("bottle\\-") + command.name) != std::string::npos);
        const auto page = man_page(command, "1");
        for (const auto option : options_of(command)) CHECK(page.find(roff(long_name(option_text(option)))) != std::string::npos);
        for (const auto& example : command.examples) CHECK(page.find(roff(example)) != std::string::npos);
    }
}
