#pragma once

#include "cli/options.h"
#include "controllers/session.h"

#include <string>
#include <vector>

namespace bottle {

// One command, one file. Each returns the exit code; what ends it early is thrown as Error.
int run_validate(const Options& options);
int run_diff(const Options& options);
int run_plan(const Options& options);
int run_apply(const Options& options);
int run_delete(const Options& options);
int run_get(const Options& options);
int run_describe(const Options& options);
int run_status(const Options& options);
int run_explain(const Options& options);
int run_wait(const Options& options);
int run_events(const Options& options);
int run_history(const Options& options);
int run_exec(const Options& options);
int run_run(const Options& options);
int run_watch(const Options& options);
int run_pause(const Options& options);
int run_resume(const Options& options);
int run_rollback(const Options& options);
int run_adopt(const Options& options);
int run_doctor(const Options& options);
int run_export(const Options& options);
int run_import(const Options& options);
int run_logs(const Options& options);
int run_verify(const Options& options);
int run_proof(const Options& options);
int run_env(const Options& options);
int run_completion(const Options& options);
int run_version(const Options& options);
int run_config(const Options& options);
int run_schema(const Options& options);

/// Not a command: what the shells' completions ask (cli/completion_script.h). `words`: what follows the program's name, the last one as far as it is
/// written. Reads our records alone, and makes no file; where they cannot be read, there are no names, and no word about it.
int run_complete(const std::vector<std::string>& words);

/// The bottles that -f names; or, given a NAME, the one that our records know. Throws Error{Exit::Usage} where there is none.
std::vector<Manifest> manifests_of(const Options& options, Session& session);
/// Those that -l selects. Throws Error{Exit::Usage} where none is left.
std::vector<Manifest> only_selected(std::vector<Manifest> manifests, const std::map<std::string, std::string>& selector);
/// What -f says, or bottle.yaml in the current folder. Throws Error{Exit::Usage} where neither is there.
std::vector<std::string> files_of(const Options& options);
/// The bottles that the command line names, each of which our records know; without a NAME all of them, sorted. Throws Error{Exit::Usage}.
std::vector<std::string> names_of(const Options& options, Session& session);
/// bottle's own environment, read once.
Environment environment();

}  // namespace bottle
