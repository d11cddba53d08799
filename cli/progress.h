#pragma once

#include "cli/options.h"
#include "reconciler/world.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace bottle {

/// What is said on standard error while steps run; safe for several bottles at once.
class Talk : public Progress {
public:
    /// Says something else meanwhile: `words` prints it, and nothing of the progress comes between.
    virtual void aside(const std::function<void()>& words) = 0;
};

/// What `--progress` names: tty, plain, json, none; auto is tty where standard error is a terminal that can be drawn on, else plain. From now on Ctrl-C asks
/// for an end (cli/interrupt.h), and that is said in the same form.
std::unique_ptr<Talk> make_talk(const Options& options);

/// How long each step runs.
class Stopwatch {
public:
    void start(const std::string& bottle, const Step& step);
    std::chrono::milliseconds stop(const std::string& bottle, const Step& step);

private:
    std::map<std::string, std::chrono::steady_clock::time_point> since_;
};

/// One line when a step ends.
class LineProgress : public Talk {
public:
    explicit LineProgress(const Options& options) : options_(options) {}
    void started(const std::string& bottle, const Step& step) override;
    void finished(const std::string& bottle, const Step& step, const Outcome& outcome) override;
    void aside(const std::function<void()>& words) override;

private:
    const Options& options_;
    std::mutex mutex_;
    Stopwatch watch_;
};

/// One JSON document a line, format "bottle.progress/v1": when a step starts, and when it ends.
class JsonProgress : public Talk {
public:
    void started(const std::string& bottle, const Step& step) override;
    void finished(const std::string& bottle, const Step& step, const Outcome& outcome) override;
    void aside(const std::function<void()>& words) override;

private:
    std::mutex mutex_;
    Stopwatch watch_;
};

/// "bottle.progress/v1", without a newline. `ended`: null while it runs.
std::string progress_json(const std::string& time, const std::string& bottle, const Step& step, const Outcome* ended, std::chrono::milliseconds took);

/// The real clock. SIGINT, SIGTERM and SIGHUP end the work at the next step, after leaving things safe.
class SystemClock : public Clock {
public:
    SystemClock();
    std::chrono::milliseconds now() override;
    void sleep(std::chrono::milliseconds time) override;
    bool interrupted() override;
};

}  // namespace bottle
