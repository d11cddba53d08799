#pragma once

#include "manifests/error.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// What a round of a watch came to, where it is new.
struct WatchNews {
    enum class Status {
        Ready,
        NotReady,
        Paused,
        NotNamed,    ///< in no manifest any more, and left as it is
        Deleted,     ///< by --prune
        NotDeleted,
        NotRead,     ///< the manifests themselves, or something else that no bottle is worked on without
    };
    std::string time;    ///< RFC 3339
    std::string bottle;  ///< empty: all of them
    Status status = Status::Ready;
    std::size_t steps = 0;
    std::vector<Problem> problems;
    std::optional<std::chrono::milliseconds> next;  ///< until it is tried again
};

/// One line. The problems are not in it: they are said on standard error.
std::string watch_line(const WatchNews& news);

/// "bottle.watch/v1", one line.
std::string watch_json(const WatchNews& news);

}  // namespace bottle
