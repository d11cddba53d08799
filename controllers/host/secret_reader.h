#pragma once

#include "controllers/process/process_runner.h"
#include "controllers/process/secret_bytes.h"
#include "manifests/secret_policy.h"
#include "reconciler/desired.h"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace bottle {

/// What became of reading one source.
struct ReadSecret {
    std::optional<SecretBytes> value;
    bool absent = false;  ///< its variable is not set, or its file is not there
    std::string why;      ///< neither value nor absent: why it cannot be read, in words; never what it holds
};

/// Reads a source: a variable of `environment`; a file that is ours or root's, no link, closed to all others, and in folders that nobody else could exchange;
/// or what a command prints, which runs with HOME of `environment`, a PATH of the system's folders and nothing else, for at most 30 s. One newline at the end
/// of a file or of what is printed is no part of the value. At most 64 KiB, and neither empty nor with a NUL: it shall be a variable.
ReadSecret read_secret(const SecretSource& from, const std::map<std::string, std::string>& environment, ProcessRunner& runner);

/// The secrets that the host policy names, each read at the first ask for it and then kept until it was used: a command that gives another value each time is asked once.
/// From that first ask on, this process leaves no core and cannot be traced by another of its user, and what it starts leaves none either. Safe for several threads.
class SecretReader {
public:
    SecretReader(const SecretPolicies& policies, const std::map<std::string, std::string>& environment, ProcessRunner& runner)
        : policies_(policies), environment_(environment), runner_(runner) {}

    /// Keyed, and of the name too, so that two secrets of one value do not look alike. Of a value that was used up already: as it was then.
    Observation<std::string> fingerprint(const std::string& name, const KeyedDigest& digest);

    struct Appended {
        std::string problem;  ///< not empty: why there is no value
        std::string fingerprint;
    };
    /// Appends the line of a shell script that sets `variable` to the value, and exports nothing.
    Appended append_line(const std::string& name, const std::string& variable, const KeyedDigest& digest, SecretBytes& script);

    /// The values go; they are read again if they are asked for again.
    void forget(const std::set<std::string>& names);

private:
    struct Known {
        ReadSecret read;
        std::string fingerprint;  ///< of the value as it was last asked for
    };
    /// With the source read, where it was not or its value is gone.
    Known& read(const std::string& name, const KeyedDigest& digest);

    const SecretPolicies& policies_;
    const std::map<std::string, std::string>& environment_;
    ProcessRunner& runner_;
    std::mutex mutex_;
    std::map<std::string, Known> known_;
};

}  // namespace bottle
