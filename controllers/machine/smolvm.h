#pragma once

#include "controllers/guest/invocation.h"
#include "controllers/machine/machine_paths.h"
#include "controllers/process/process_runner.h"
#include "reconciler/observed.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// SHA-256 of the files in the wheel smolmachines 1.32.2 for x86_64, by their names.
const std::map<std::string, std::string>& measured_digests();

/// The smolvm that PATH leads to: its real file, and the folder with its libraries beside it.
struct Smolvm {
    std::string program;
    std::string folder;
    std::map<std::string, std::string> digests = measured_digests();  ///< that its trusted files must have

    /// Environment of every call: nothing inherited, the libraries and root file system beside the program, the bottle's own folders.
    std::vector<std::string> environment(const MachinePaths& paths) const;
    SmolvmInvocation invocation(const MachinePaths& paths, const std::string& machine) const;
    /// The program, libkrun and libkrunfw: what confinement rests on.
    std::vector<std::string> trusted_files() const;
};

/// Nothing when no executable `smolvm` is on `path` (as PATH is written).
std::optional<Smolvm> find_smolvm(const std::string& path);

/// Asks it for its version ("1.32.2"); empty and `problem` set when it does not answer as smolvm does, in one line of "smolvm" and numbers.
std::string smolvm_version(const Smolvm& smolvm, ProcessRunner& runner, std::string& problem);

struct VerifiedBuild {
    std::vector<FileIdentity> files;  ///< of the trusted files, as they were while they were read
    std::string problem;              ///< not empty: why they are not the build that was measured
};
/// Reads the trusted files and compares their digests; a file that changes meanwhile is a problem.
VerifiedBuild verify_build(const Smolvm& smolvm);

// Command lines as values. All are without questions, and report failures as JSON (1.32.2).
std::vector<std::string> create_arguments(const Machine& machine);
std::vector<std::string> update_arguments(const Machine& machine);
std::vector<std::string> start_arguments(const std::string& machine);
std::vector<std::string> stop_arguments(const std::string& machine);
std::vector<std::string> delete_arguments(const std::string& machine);

/// The message in smolvm's answer on stderr, made printable and short; how it ended where it says nothing.
std::string smolvm_message(const ProcessResult& result);

}  // namespace bottle
