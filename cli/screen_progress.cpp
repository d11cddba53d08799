#include "cli/screen_progress.h"

#include "cli/interrupt.h"
#include "cli/print.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace bottle {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRedrawn{100};
constexpr const char* kInterrupted = "interrupted: what runs is ended first, and things are left safe; Ctrl-C once more ends at once";

std::string seconds(milliseconds time) {
    return fmt::format("{:.1f}s", static_cast<double>(time.count()) / 1000);
}

milliseconds since(std::chrono::steady_clock::time_point time) {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - time);
}

/// The sign in its colour.
std::string begin_of(const std::string& bottle, const Step& step, const Screen& screen) {
    return fmt::format("{}  {} ", printable(bottle), screen.paint(tone_of_sign(step.symbol), std::string(1, step.symbol)));
}

std::string running_line(const RunningStep& running, const Screen& screen) {
    const auto time = "  " + seconds(running.elapsed);
    const auto name = printable(running.step.id);
    const auto used = printable(running.bottle).size() + std::string_view("  > ").size() + time.size();
    const auto room = screen.width > used ? screen.width - used : 1;
    return begin_of(running.bottle, running.step, screen) + (screen.width == 0 ? name : cut_to(name, room)) + time;
}

const char* word_of(Outcome::Kind kind) {
    switch (kind) {
        case Outcome::Kind::Done: return "done";
        case Outcome::Kind::Retry: return "waiting";
        case Outcome::Kind::Failed: break;
    }
    return "FAILED";
}

}  // namespace

std::string running_lines(const std::vector<RunningStep>& running, bool interrupted, const Screen& screen) {
    std::string text;
    for (const auto& step : running) text += (text.empty() ? "" : "\n") + running_line(step, screen);
    if (interrupted) text += (text.empty() ? "" : "\n") + (screen.width == 0 ? kInterrupted : cut_to(kInterrupted, screen.width));
    return text;
}

std::string ended_line(const std::string& bottle, const Step& step, const Outcome& outcome, milliseconds took, const Screen& screen) {
    const bool failed = outcome.kind == Outcome::Kind::Failed;
    return fmt::format("{}{} {} {}{}\n", begin_of(bottle, step, screen), printable(step.id), screen.paint(failed ? Tone::Bad : Tone::Plain, word_of(outcome.kind)), seconds(took),
                       outcome.text.empty() ? "" : ": " + printable(outcome.text));
}

ScreenProgress::ScreenProgress(const Options& options) : options_(options), drawer_([this] { draw_until_ended(); }) {}

ScreenProgress::~ScreenProgress() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    ended_.notify_all();
    drawer_.join();
}

void ScreenProgress::started(const std::string& bottle, const Step& step) {
    const std::lock_guard lock(mutex_);
    running_.push_back({bottle, step, std::chrono::steady_clock::now()});
    draw();
}

void ScreenProgress::finished(const std::string& bottle, const Step& step, const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(running_.begin(), running_.end(), [&](const Entry& entry) { return entry.bottle == bottle && entry.step.id == step.id; });
    const auto took = found == running_.end() ? milliseconds(0) : since(found->since);
    if (found != running_.end()) running_.erase(found);
    erase();
    say(ended_line(bottle, step, outcome, took, screen_of(options_, STDERR_FILENO)));
    draw();
}

void ScreenProgress::aside(const std::function<void()>& words) {
    const std::lock_guard lock(mutex_);
    erase();
    words();
    draw();
}

void ScreenProgress::draw_until_ended() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        draw();
        ended_.wait_for(lock, kRedrawn);
    }
    erase();
}

void ScreenProgress::draw() {
    erase();
    if (ending_ || (running_.empty() && !interrupted())) return;
    auto screen = screen_of(options_, STDERR_FILENO);
    // The last column stays free: some terminals go on to the next line there.
    if (screen.width > 1) --screen.width;
    std::vector<RunningStep> running;
    for (const auto& entry : running_) running.push_back({entry.bottle, entry.step, since(entry.since)});
    const auto text = running_lines(running, interrupted(), screen);
    drawn_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    say(text);
}

void ScreenProgress::erase() {
    if (drawn_ == 0) return;
    say(drawn_ > 1 ? fmt::format("\x1b[{}A\r\x1b[J", drawn_ - 1) : std::string("\r\x1b[J"));
    drawn_ = 0;
}

}  // namespace bottle
