#pragma once

#include "controllers/guest/invocation.h"
#include "controllers/machine/machine_paths.h"
#include "controllers/process/process_runner.h"
#include "manifests/host_policy.h"
#include "reconciler/observed.h"
#include "reconciler/smolvm_build.h"

#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// The smolvm that is used: its real file, and the folder with its libraries beside it.
struct Smolvm {
    std::string program;
    std::string folder;
    SmolvmBuild build = measured_builds().back();  ///< as the program's size tells it; the digests that its trusted files must have

    /// A whole command line: the program, and that it shall report failures as JSON where it can.
    std::vector<std::string> command(const std::vector<std::string>& arguments) const;
    /// Environment of every call: nothing inherited, the libraries and root file system beside the program, the bottle's own folders.
    std::vector<std::string> environment(const MachinePaths& paths) const;
    SmolvmInvocation invocation(const MachinePaths& paths, const std::string& machine) const;
    /// The program first, then libkrun and what that loads from beside it: what confinement rests on.
    std::vector<std::string> trusted_files() const;
};

/// Nothing when no executable `smolvm` is on `path` (as PATH is written).
std::optional<Smolvm> find_smolvm(const std::string& path);
/// The program that the host policy names, else `find_smolvm`; nothing also where that is no program.
std::optional<Smolvm> choose_smolvm(const SmolvmPolicy& policy, const std::string& path);

/// Takes the program for the build that the host policy names by the program's digest; none that was measured is taken for another.
void accept_build(Smolvm& smolvm, const SmolvmPolicy& policy);

/// Asks it for its version ("1.32.2"); empty and `problem` set when it does not answer as smolvm does, in one line of "smolvm" and numbers.
std::string smolvm_version(const Smolvm& smolvm, ProcessRunner& runner, std::string& problem);

struct VerifiedBuild {
    std::vector<FileIdentity> files;  ///< of the trusted files, as they were while they were read
    std::string problem;              ///< not empty: why they are not the build that was measured
};
/// Reads the trusted files and compares their digests; a file that changes meanwhile is a problem.
VerifiedBuild verify_build(const Smolvm& smolvm);

// Arguments as values; none makes smolvm ask a question (1.4.0, 1.8.3, 1.32.2).
std::vector<std::string> create_arguments(const Machine& machine, const SmolvmBuild& build);
std::vector<std::string> update_arguments(const Machine& machine, const SmolvmBuild& build);
std::vector<std::string> start_arguments(const std::string& machine);
std::vector<std::string> stop_arguments(const std::string& machine);
std::vector<std::string> delete_arguments(const std::string& machine, const SmolvmBuild& build);

/// The message in smolvm's answer on stderr, JSON or a line "Error: …" (1.4.0, 1.8.3), made printable and short; how it ended where it says nothing.
std::string smolvm_message(const ProcessResult& result);

}  // namespace bottle
