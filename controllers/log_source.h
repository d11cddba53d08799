#pragma once

#include <memory>
#include <optional>
#include <string>

namespace bottle {

/// What one part of a bottle writes, read bit by bit.
class LogSource {
public:
    virtual ~LogSource() = default;
    /// What was written since the last call, bytes as they are; at the first, what is there (of a file the last 16 MiB, of a container what Docker
    /// answers in 8 MiB). Empty: nothing. Throws Error{Exit::Failed} where it cannot be read.
    virtual std::string next() = 0;
};

struct LogPlace {
    std::string state_folder;
    std::string docker_host;  ///< as DOCKER_HOST is written
    std::string bottle;
    std::string part;         ///< empty: the agent's command; "machine": the machine's console; else a container of the bundle
    std::optional<int> tail;  ///< so many of the last lines at the first call; else all, of a container 200
};

std::unique_ptr<LogSource> open_log(const LogPlace& place);

/// The last `lines` lines; one that has no end yet counts.
std::string last_lines(const std::string& text, int lines);

}  // namespace bottle
