#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bottle {

struct Candidate {
    std::string word;  ///< the whole word, as it may stand there
    std::string text;  ///< what it is, on one line; may be empty
};

struct Candidates {
    std::vector<Candidate> words;
    bool files = false;  ///< the shell completes the name of a file, in a word --file=… what follows the =
};

/// Asked only where a NAME may stand.
using NamesOfBottles = std::function<std::vector<std::string>()>;

/// What of a bottle has a log of its own (logs NAME/PART). Asked only where one may stand.
using PartsOfBottle = std::function<std::vector<std::string>(const std::string& bottle)>;

/// What may stand where the last of `words` is being written: `words` is what follows the program's name, the last one as far as it is there, perhaps
/// empty. Of the names that are given, and of the parts, only those that could be a bottle's are offered: a shell shall never get another character. Pure.
Candidates complete(const std::vector<std::string>& words, const NamesOfBottles& names, const PartsOfBottle& parts);

/// One a line: the word, a tab, its text; ":files" for files.
std::string candidate_lines(const Candidates& candidates);

}  // namespace bottle
