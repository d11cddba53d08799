#pragma once

#include <string>

namespace bottle {

/// What a log holds, made safe for a terminal line by line: a carriage return at a line's end goes, a tab stays, and every other byte that is the
/// terminal's own becomes \\xNN. A line that has no end yet waits for it.
class LogText {
public:
    /// The lines that are whole now.
    std::string add(const std::string& text);
    /// What is left, at the end.
    std::string rest();

private:
    std::string partial_;
};

}  // namespace bottle
