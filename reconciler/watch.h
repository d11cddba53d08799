#pragma once

#include <chrono>
#include <string>

namespace bottle {

/// When a bottle that could not be brought to its manifest is tried again: after `interval` at first, then twice as long each time, and never more than a
/// minute (an image may have been loaded meanwhile, or Docker be back), unless the interval itself is longer.
std::chrono::milliseconds retry_after(int failures, std::chrono::milliseconds interval);

/// What a watch remembers of one bottle between its rounds. Pure.
class Watched {
public:
    /// Whether the bottle shall be brought to its manifest in the round at `now`. If not, its machine is only stopped where it lives without its proof.
    /// `manifest`: its stored text; another one than before is tried at once.
    bool is_due(const std::string& manifest, std::chrono::milliseconds now);

    /// What such a round came to.
    void ended(bool reached, std::chrono::milliseconds now, std::chrono::milliseconds interval);

    /// Whether that is not what was said last: each thing is said once.
    bool is_news(const std::string& words);

    /// How many rounds in a row have failed.
    int failures() const { return failures_; }

private:
    std::string manifest_;
    int failures_ = 0;
    std::chrono::milliseconds next_{0};
    std::string said_;
};

}  // namespace bottle
