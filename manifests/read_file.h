#pragma once

#include <istream>
#include <string>

namespace bottle {

/// A file's bytes, or why there are none.
struct FileText {
    std::string text;
    std::string problem;  ///< not empty: it could not be read
    std::string hint{};
};

/// A regular file of at most 1 MiB. Never waits: a FIFO is refused.
FileText read_file(const std::string& path);

/// The same beneath a folder, by the rules of `open_beneath`.
FileText read_file_beneath(const std::string& folder, const std::string& relative);

/// The same of a file that is open, and is closed then.
FileText read_open_file(int fd);

/// What comes from a stream until its end, at most 1 MiB.
FileText read_stream(std::istream& stream);

}  // namespace bottle
