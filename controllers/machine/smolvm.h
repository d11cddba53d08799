#pragma once

#include "controllers/guest/invocation.h"
#include "controllers/machine/machine_paths.h"
#include "controllers/process/process_runner.h"
#include "reconciler/resources.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// The smolvm that PATH leads to: its real file, and the folder with its libraries beside it.
struct Smolvm {
    std::string program;
    std::string folder;

    /// Environment of every call: nothing inherited, the libraries and root file system beside the program, the bottle's own folders.
    std::vector<std::string> environment(const MachinePaths& paths) const;
    SmolvmInvocation invocation(const MachinePaths& paths, const std::string& machine) const;
    /// The program, libkrun and libkrunfw: what confinement rests on.
    std::vector<std::string> trusted_files() const;
};

/// Nothing when no executable `smolvm` is on `path` (as PATH is written).
std::optional<Smolvm> find_smolvm(const std::string& path);

/// Asks it for its version; empty and `problem` set when it does not answer as smolvm does.
std::string smolvm_version(const Smolvm& smolvm, ProcessRunner& runner, std::string& problem);

/// Why the files are not those of the build that was measured (by digest); empty if they are.
std::string unmeasured_build(const Smolvm& smolvm);

// Command lines as values. All are without questions, and report failures as JSON (1.32.2).
std::vector<std::string> create_arguments(const Machine& machine);
std::vector<std::string> update_arguments(const Machine& machine);
std::vector<std::string> start_arguments(const std::string& machine);
std::vector<std::string> stop_arguments(const std::string& machine);
std::vector<std::string> delete_arguments(const std::string& machine);

/// The message in smolvm's answer on stderr, made printable and short; how it ended where it says nothing.
std::string smolvm_message(const ProcessResult& result);

}  // namespace bottle
