#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace bottle {

/// A program to run: an argv array, never a shell line; the environment is exactly `environment`, nothing is inherited.
struct ProcessRequest {
    std::vector<std::string> argv;         ///< argv[0] is an absolute path
    std::vector<std::string> environment;  ///< "K=V"
    std::string working_folder = "/";
    std::string input;                     ///< written to its standard input, which is then closed
    std::chrono::milliseconds deadline{30'000};
    std::size_t output_cap = 1 << 20;      ///< bytes, for standard output and standard error each
    bool secret = false;                   ///< what it prints is one: no other copy of it stays in memory than the result's
};

struct ProcessResult {
    enum class End { Exited, Signaled, TimedOut, TooMuchOutput, NotStarted };
    End end = End::NotStarted;
    int code = 0;  ///< exit code (-1: it was lost), or signal number, or errno of NotStarted (EINVAL: no absolute path, or a NUL in a text)
    std::string out;
    std::string err;

    bool succeeded() const { return end == End::Exited && code == 0; }
};

/// How it ended, as the end of a sentence: "exited with 3", "was killed by signal 9", "did not end in time and was killed" …
std::string describe(const ProcessResult& result);

/// The seam for every outside program.
class ProcessRunner {
public:
    virtual ~ProcessRunner() = default;
    /// Runs it in a process group of its own until the program itself ends; what it left behind is not waited for. Past the deadline or
    /// the cap the whole group is killed. Of our descriptors it gets none. Never throws for what the program did.
    virtual ProcessResult run(const ProcessRequest& request) = 0;
};

/// The real one. The program dies with bottle; the kernel ties that to the thread that calls `run`, which waits in there for just that time.
class SystemProcessRunner : public ProcessRunner {
public:
    ProcessResult run(const ProcessRequest& request) override;
};

}  // namespace bottle
