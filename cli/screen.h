#pragma once

#include "cli/options.h"

#include <cstddef>
#include <string>
#include <vector>

namespace bottle {

/// What a word is, for its colour.
enum class Tone { Plain, Good, Bad, Doubt };

/// What the result is printed on.
struct Screen {
    std::size_t width = 0;  ///< columns; 0: lines may be as long as they are
    bool colour = false;

    /// The text in its colour, where there is colour. It must be printable: no byte from outside may be one of the terminal's own.
    std::string paint(Tone tone, const std::string& text) const;
};

/// Standard output, or another descriptor: a terminal's columns, and colour on a terminal unless --no-color or a NO_COLOR that is not empty
/// (no-color.org) says no.
Screen screen_of(const Options& options, int descriptor = 1);
bool wants_colour(bool terminal, bool no_color, const std::string& no_color_variable);

/// True is good, False bad, anything else in doubt.
Tone tone_of_status(const std::string& status);

struct Cell {
    std::string text;
    Tone tone = Tone::Plain;
};
using TableRow = std::vector<Cell>;

/// Columns with two spaces between them, the first row the heading. Texts are made printable; where the screen is narrower than the table, the widest
/// columns are cut, with "…" at the end of what was.
std::string table(const std::vector<TableRow>& rows, const Screen& screen);

/// At most so many columns, with "…" at the end of what was longer.
std::string cut_to(const std::string& text, std::size_t width);

/// The colour of a step's sign.
Tone tone_of_sign(char sign);

/// A plan's text with the sign of each step in its colour. A line that is wider than the screen is brought closer together, and goes on below where that is not
/// enough: nothing of a plan is cut off.
std::string paint_signs(const std::string& plan, const Screen& screen);

}  // namespace bottle
