#pragma once

#include "reconciler/world.h"

#include <csignal>
#include <map>
#include <mutex>
#include <string>

namespace bottle {

/// One line on stderr when a step begins to take time, one when it ends; safe for several bottles at once.
class LineProgress : public Progress {
public:
    void started(const std::string& bottle, const Step& step) override;
    void finished(const std::string& bottle, const Step& step, const Outcome& outcome) override;

private:
    std::mutex mutex_;
    std::map<std::string, std::chrono::steady_clock::time_point> since_;
};

/// The real clock. SIGINT, SIGTERM and SIGHUP end the work at the next step, after leaving things safe; those that came before it was made do not count.
class SystemClock : public Clock {
public:
    SystemClock();
    std::chrono::milliseconds now() override;
    void sleep(std::chrono::milliseconds time) override;
    bool interrupted() override;
};

}  // namespace bottle
