#pragma once

#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// Where in a manifest something stands. Lines and columns count from 1, columns in bytes; 0 means "the whole file".
struct Place {
    std::string file;
    int line = 0;
    int column = 0;

    bool operator==(const Place&) const = default;
};

/// "file:line:column", without the parts that are not known.
std::string to_string(const Place& place);

/// Exit codes of the program: a contract with scripts, listed in the README.
enum class Exit {
    Ok = 0,
    Failed = 1,        ///< `diff`: there are differences; any other command: failed
    Usage = 2,         ///< manifest or command line wrong
    Precondition = 3,  ///< Docker, smolvm or /dev/kvm missing or unsupported; `diff` met an unknown or a refusal
    Timeout = 4,       ///< not converged in time
    Unsafe = 5,        ///< a machine of ours may run unproved and could not be stopped
    Interrupted = 130,
};

/// One thing that is wrong, in the user's words.
struct Problem {
    std::optional<Place> place;
    std::string text;         ///< what is wrong, with the offending value
    std::string hint;         ///< what is allowed, the nearest word, or the next command to type; may be empty
    std::string source_line;  ///< the manifest's line at `place`, for the caret; may be empty

    bool operator==(const Problem&) const = default;
};

/// What ends a command: every problem found, and what was being done when it was found.
class Error : public std::exception {
public:
    Error(Exit exit, std::string text, std::string hint = {});
    Error(Exit exit, std::vector<Problem> problems);

    Exit exit() const { return exit_; }
    const std::vector<Problem>& problems() const { return problems_; }

    /// Adds the outer circumstance ("while reading the row of bottle-docs"); innermost first.
    Error& add_trace(std::string circumstance);
    const std::vector<std::string>& trace() const { return trace_; }

    /// The first problem's text: for logs and tests. People are shown `render`.
    const char* what() const noexcept override { return problems_.front().text.c_str(); }

private:
    Exit exit_;
    std::vector<Problem> problems_;
    std::vector<std::string> trace_;
};

/// The error as a person reads it: each problem with its place, the source line with a caret, and the hint;
/// the circumstances first, so that the nearest line to the prompt is the cause. Ends with a newline.
std::string render(const Error& error);

/// Outside text made safe for a terminal or a log: control bytes and invalid UTF-8 become \xNN.
std::string printable(const std::string& text);

}  // namespace bottle
