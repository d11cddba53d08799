#pragma once

#include "manifests/error.h"

#include <string>
#include <vector>

namespace bottle {

struct NamedFile {
    std::string path;  ///< "-": standard input
    bool in_folder = false;  ///< found in a folder that was named, not named itself
};

/// What the names on the command line come to: a file and "-" stand for themselves, a folder for each *.yaml and *.yml in it, in the order of their
/// names; `recursive`: in its folders too, at their place in that order. As a shell's * does, it passes over what begins with a point; a folder
/// that is a symlink is not entered. A file named twice is read once.
/// Adds to `problems`: a folder that cannot be read, that has no such file, or is deeper than 64; more than 10 000 files.
std::vector<NamedFile> find_files(const std::vector<std::string>& named, bool recursive, std::vector<Problem>& problems);

}  // namespace bottle
