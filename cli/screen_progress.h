#pragma once

#include "cli/progress.h"
#include "cli/screen.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bottle {

/// A step that runs.
struct RunningStep {
    std::string bottle;
    Step step;
    std::chrono::milliseconds elapsed{0};
};

/// One line each, as wide as the screen at most, without a newline behind the last: "docs  > start bottle-docs  12.3s". Pure.
std::string running_lines(const std::vector<RunningStep>& running, bool interrupted, const Screen& screen);

/// A step that ended: "docs  > start bottle-docs done 12.3s", with a newline. Pure; also what `--progress plain` prints.
std::string ended_line(const std::string& bottle, const Step& step, const Outcome& outcome, std::chrono::milliseconds took, const Screen& screen);

/// For a terminal: below what was said the steps that run now, each with the time that it runs for, drawn anew ten times a second; of each that ended a line
/// that stays. On standard error.
class ScreenProgress : public Talk {
public:
    explicit ScreenProgress(const Options& options);
    ~ScreenProgress() override;
    ScreenProgress(const ScreenProgress&) = delete;
    ScreenProgress& operator=(const ScreenProgress&) = delete;

    void started(const std::string& bottle, const Step& step) override;
    void finished(const std::string& bottle, const Step& step, const Outcome& outcome) override;
    void aside(const std::function<void()>& words) override;

private:
    struct Entry {
        std::string bottle;
        Step step;
        std::chrono::steady_clock::time_point since;
    };

    void draw_until_ended();
    void draw();
    void erase();

    const Options& options_;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool ending_ = false;
    std::vector<Entry> running_;
    std::size_t drawn_ = 0;  ///< lines that stand on the screen and will be erased
    std::thread drawer_;
};

}  // namespace bottle
