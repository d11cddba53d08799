#pragma once

#include "controllers/session.h"

#include <chrono>
#include <string>
#include <vector>

namespace bottle {

/// What the command line says, for all commands.
struct Options {
    std::vector<std::string> files;  ///< -f; empty: bottle.yaml in the current folder
    std::string output = "text";     ///< text | json
    std::chrono::milliseconds timeout{60'000};
    bool adopt = false;
    std::string name;                  ///< NAME, or NAME/part for logs
    std::vector<std::string> command;  ///< what follows --
};

// One command, one file. Each returns the exit code; what ends it early is thrown as Error.
int run_validate(const Options& options);
int run_diff(const Options& options);
int run_apply(const Options& options);
int run_delete(const Options& options);
int run_status(const Options& options);
int run_explain(const Options& options);
int run_exec(const Options& options);
int run_logs(const Options& options);
int run_verify(const Options& options);
int run_proof(const Options& options);
int run_version(const Options& options);

/// The bottles that -f names; or, given a NAME, the one that our records know. Throws Error{Exit::Usage} where there is none.
std::vector<Manifest> manifests_of(const Options& options, Session& session);
/// bottle's own environment, read once.
Environment environment();

}  // namespace bottle
