#include "cli/progress.h"

#include "cli/print.h"

#include <fmt/format.h>

#include <ctime>

#include <thread>

namespace bottle {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int) {
    g_interrupted = 1;
}

}  // namespace

void LineProgress::started(const std::string& bottle, const Step& step) {
    const std::lock_guard lock(mutex_);
    since_[bottle + step.id] = std::chrono::steady_clock::now();
}

void LineProgress::finished(const std::string& bottle, const Step& step, const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - since_[bottle + step.id];
    const char* word = outcome.kind == Outcome::Kind::Done ? "done" : outcome.kind == Outcome::Kind::Retry ? "waiting" : "FAILED";
    say(fmt::format("{}  {} {} {} {:.1f}s{}\n", bottle, step.symbol, step.id, word, took.count(),
                    outcome.text.empty() ? "" : ": " + printable(outcome.text)));
}

SystemClock::SystemClock() {
    g_interrupted = 0;
    struct sigaction action {};
    action.sa_handler = on_signal;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
    // A reader that went away must not end us half-way.
    signal(SIGPIPE, SIG_IGN);
}

std::chrono::milliseconds SystemClock::now() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::milliseconds(time.tv_nsec / 1'000'000);
}

void SystemClock::sleep(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
}

bool SystemClock::interrupted() {
    return g_interrupted != 0;
}

}  // namespace bottle
