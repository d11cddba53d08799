#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// What the command line says, for all commands.
struct Options {
    std::vector<std::string> files;  ///< -f; empty: bottle.yaml in the current folder
    std::string output = "text";     ///< one of the command's own: text, json, …
    std::chrono::milliseconds timeout{60'000};
    std::chrono::milliseconds interval{5'000};  ///< watch: between two looks
    /// So many bottles are worked on at once. Starting machines is bound by the host's cores and disk: more at once only makes each slower.
    std::size_t parallel = 4;
    std::string progress = "auto";
    std::string out;                   ///< plan: the file to write it into
    std::string plan;                  ///< apply: the file with a saved plan
    std::vector<std::string> folders;  ///< import: what it reads
    std::string into = ".";            ///< import: where it writes
    std::string name;                  ///< the first NAME, or NAME/part for logs
    std::vector<std::string> names;    ///< every NAME
    std::map<std::string, std::string> selector;  ///< -l: labels with their values; also of the bottles that -f names
    std::optional<std::chrono::milliseconds> since;
    std::optional<std::int64_t> to;    ///< rollback: to the manifest of this generation
    std::optional<int> tail;           ///< --tail: so many of the last lines
    std::string shell;                 ///< completion: which it is for
    std::string target;                ///< explain: ADDRESS:PORT, as it was given
    std::string wait_for;              ///< --for, as it was given
    std::vector<std::string> command;  ///< what follows the NAME of exec
    bool recursive = false;            ///< -R: the folders in those that -f names, too
    bool adopt = false;
    bool dry_run = false;
    bool yes = false;
    bool prune = false;
    bool no_widen = false;
    bool follow = false;
    bool repair = false;               ///< doctor
    bool keep = false;                 ///< run: the bottle stays at the end
    bool standard_input = false;       ///< -i: the command reads ours
    bool terminal = false;             ///< -t
    bool no_color = false;
};

}  // namespace bottle
