#include "cli/progress.h"

#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/screen_progress.h"
#include "controllers/state/timestamp.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <string_view>
#include <thread>

namespace bottle {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kFirst = "interrupted: what runs is ended first, and things are left safe; Ctrl-C once more ends at once\n";
constexpr const char* kSecond = "interrupted twice: ended at once. A machine that is not proved is killed by its guard; bottle apply goes on from here\n";
constexpr const char* kSecondOnScreen = "\r\x1b[J"
                                        "interrupted twice: ended at once. A machine that is not proved is killed by its guard; bottle apply goes on from here\r\n";
constexpr const char* kFirstJson = R"({"event":"interrupted","format":"bottle.progress/v1"})" "\n";

class NoProgress : public Talk {
public:
    void started(const std::string&, const Step&) override {}
    void finished(const std::string&, const Step&, const Outcome&) override {}
    void aside(const std::function<void()>& words) override {
        const std::lock_guard lock(mutex_);
        words();
    }

private:
    std::mutex mutex_;
};

bool can_be_drawn_on(int descriptor) {
    const char* term = std::getenv("TERM");
    return isatty(descriptor) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

const char* event_of(const Outcome* ended) {
    if (ended == nullptr) return "started";
    switch (ended->kind) {
        case Outcome::Kind::Done: return "done";
        case Outcome::Kind::Retry: return "waiting";
        case Outcome::Kind::Failed: break;
    }
    return "failed";
}

}  // namespace

std::unique_ptr<Talk> make_talk(const Options& options) {
    watch_interrupts();
    auto form = options.progress;
    if (form == "auto") form = can_be_drawn_on(STDERR_FILENO) ? "tty" : "plain";
    if (form == "tty") {
        set_interrupt_words(nullptr, kSecondOnScreen);
        return std::make_unique<ScreenProgress>(options);
    }
    if (form == "json") {
        set_interrupt_words(kFirstJson, kFirstJson);
        return std::make_unique<JsonProgress>();
    }
    if (form == "none") return std::make_unique<NoProgress>();
    set_interrupt_words(kFirst, kSecond);
    return std::make_unique<LineProgress>(options);
}

void Stopwatch::start(const std::string& bottle, const Step& step) {
    since_[bottle + " " + step.id] = steady_clock::now();
}

milliseconds Stopwatch::stop(const std::string& bottle, const Step& step) {
    const auto found = since_.find(bottle + " " + step.id);
    if (found == since_.end()) return milliseconds(0);
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - found->second);
    since_.erase(found);
    return took;
}

void LineProgress::started(const std::string& bottle, const Step& step) {
    const std::lock_guard lock(mutex_);
    watch_.start(bottle, step);
}

void LineProgress::finished(const std::string& bottle, const Step& step, const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    say(ended_line(bottle, step, outcome, watch_.stop(bottle, step), screen_of(options_, STDERR_FILENO)));
}

void LineProgress::aside(const std::function<void()>& words) {
    const std::lock_guard lock(mutex_);
    words();
}

void JsonProgress::started(const std::string& bottle, const Step& step) {
    const std::lock_guard lock(mutex_);
    watch_.start(bottle, step);
    say(progress_json(timestamp(), bottle, step, nullptr, milliseconds(0)) + "\n");
}

void JsonProgress::finished(const std::string& bottle, const Step& step, const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    say(progress_json(timestamp(), bottle, step, &outcome, watch_.stop(bottle, step)) + "\n");
}

void JsonProgress::aside(const std::function<void()>& words) {
    const std::lock_guard lock(mutex_);
    words();
}

std::string progress_json(const std::string& time, const std::string& bottle, const Step& step, const Outcome* ended, milliseconds took) {
    nlohmann::ordered_json line = {{"format", "bottle.progress/v1"}, {"time", time}, {"bottle", bottle}, {"step", step.id}, {"event", event_of(ended)}};
    if (ended != nullptr) line["seconds"] = static_cast<double>(took.count()) / 1000;
    if (ended != nullptr && !ended->text.empty()) line["text"] = ended->text;
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

SystemClock::SystemClock() {
    watch_interrupts();
}

milliseconds SystemClock::now() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + milliseconds(time.tv_nsec / 1'000'000);
}

void SystemClock::sleep(milliseconds time) {
    std::this_thread::sleep_for(time);
}

bool SystemClock::interrupted() {
    return bottle::interrupted();
}

}  // namespace bottle
