#include "cli/follow.h"

namespace bottle {

Exit follow_log(LogSource& log, const std::function<void(const std::string&)>& out, const std::function<bool()>& has_ended, Clock& clock) {
    constexpr std::chrono::milliseconds kBetween{300};
    constexpr int kTurnsBetweenLooks = 4;
    for (int turn = 0; !clock.interrupted(); ++turn) {
        const bool ended = turn % kTurnsBetweenLooks == 0 && has_ended();
        // Read after the look: what was written before the end is all there.
        out(log.next());
        if (ended) return Exit::Ok;
        clock.sleep(kBetween);
    }
    return Exit::Interrupted;
}

}  // namespace bottle
