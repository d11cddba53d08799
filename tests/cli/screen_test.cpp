#include "cli/age.h"
#include "cli/screen.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

using namespace bottle;

namespace {

const std::vector<TableRow> kRows = {{{"NAME"}, {"STATE"}}, {{"docs → writer"}, {"True", Tone::Good}}, {{"x"}, {""}}};

}  // namespace

TEST_CASE("a table's columns are as wide as their widest text, counted in code points") {
    CHECK(table(kRows, {}) == "NAME           STATE\ndocs → writer  True\nx\n");
    CHECK(table({}, {}).empty());
}

TEST_CASE("a table fits its screen, and says where it was cut") {
    CHECK(table(kRows, {16, false}) == "NAME       STATE\ndocs → w…  True\nx\n");
    for (const std::size_t width : {12U, 16U, 20U, 80U}) {
        std::istringstream lines(table(kRows, {width, false}));
        for (std::string line; std::getline(lines, line);) {
            CHECK(static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; })) <= width);
        }
    }
    // Narrower than four a column: cut no further, a screen of one column shows nothing anyway.
    CHECK(table({{{"abcdefgh"}, {"abcdefgh"}}}, {1, false}) == "abc…  abc…\n");
}

TEST_CASE("colour is round the text and not in its width; a terminal's own bytes from outside are no colour") {
    CHECK(table(kRows, {0, true}) == "NAME           STATE\ndocs → writer  \x1b[32mTrue\x1b[0m\nx\n");
    CHECK(table({{{"\x1b[31mred", Tone::Bad}, {"\r\n\x7f"}}}, {0, true}) == "\x1b[31m\\x1B[31mred\x1b[0m  \\x0D\\x0A\\x7F\n");
    CHECK(Screen{}.paint(Tone::Bad, "text") == "text");
    CHECK(tone_of_status("True") == Tone::Good);
    CHECK(tone_of_status("False") == Tone::Bad);
    CHECK(tone_of_status("Unknown") == Tone::Doubt);
}

TEST_CASE("colour is for a terminal alone, and where nobody said no") {
    CHECK(wants_colour(true, false, ""));
    CHECK_FALSE(wants_colour(false, false, ""));
    CHECK_FALSE(wants_colour(true, true, ""));
    CHECK_FALSE(wants_colour(true, false, "1"));
}

TEST_CASE("golden: the signs of a plan have colours, and nothing else of it has") {
    auto world = model::ready_world();
    world.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; });
    const auto text = to_text(model::look_and_plan(world, model::sample_manifest()).plan);
    CHECK(paint_signs(text, {}) == text);
    check_golden("cli/plan-colour.txt", paint_signs(text, {0, true}));
}

TEST_CASE("golden: a plan on a narrow screen goes on below, and nothing of it is cut off") {
    auto world = model::ready_world();
    world.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; });
    world.add_foreign_container("curious", "bottle-docs-writer");
    const auto text = to_text(model::look_and_plan(world, model::sample_manifest()).plan);
    check_golden("cli/plan-60-columns.txt", paint_signs(text, {60, false}));
    const auto words_of = [](const std::string& of) {
        std::istringstream stream(of);
        std::vector<std::string> words;
        for (std::string word; stream >> word;) words.push_back(word);
        return words;
    };
    for (std::size_t width = 30; width < 200; ++width) {
        const auto shown = paint_signs(text, {width, false});
        CHECK(words_of(shown) == words_of(text));
        std::istringstream lines(shown);
        for (std::string line; std::getline(lines, line);) {
            const auto length = static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
            INFO(width << ": " << line);
            // Two words that do not fit side by side are on two lines.
            CHECK((length <= width || words_of(line).size() <= 3));
        }
    }
    CHECK(paint_signs("a line without a place to go on at\n", {4, false}) == "a\n      line\n      without\n      a\n      place\n      to\n      go\n      on\n      at\n");
    CHECK(paint_signs("x\n\n", {1, false}) == "x\n\n");
}

TEST_CASE("ages as kubectl says them") {
    const auto now = *seconds_of("2026-11-26T12:00:00Z");
    const std::pair<std::int64_t, const char*> cases[] = {{0, "0s"},        {119, "119s"},    {120, "2m"},      {150, "2m30s"},   {599, "9m59s"},  {600, "10m"},    {10'799, "179m"},
                                                          {10'800, "3h"},   {12'000, "3h20m"}, {28'800, "8h"},   {172'799, "47h"}, {172'800, "2d"}, {183'600, "2d3h"}, {691'200, "8d"}, {-5, "0s"}};
    for (const auto& [seconds, text] : cases) CHECK(age(time_of(now - seconds), now) == text);
    for (const auto* bad : {"", "yesterday", "2026-11-26T12:00:00", "2026-11-26T12:00:00+01:00", "2026-11-26T12:00:00.", "2026-11-26T12:00:00Zx"}) {
        INFO(bad);
        CHECK(age(bad, now) == "<unknown>");
    }
    CHECK(age("2026-11-26T11:59:00.123456789Z", now) == "60s");
}
