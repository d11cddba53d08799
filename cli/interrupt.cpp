#include "cli/interrupt.h"

#include "manifests/error.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace bottle {
namespace {

constexpr std::int64_t kOneCtrlC = 200'000'000;  // nanoseconds

// What a handler may touch: none of it takes a lock.
std::atomic<bool> g_interrupted{false};
std::atomic<std::int64_t> g_first_sigint{0};
std::atomic<const char*> g_first_words{nullptr};
std::atomic<const char*> g_second_words{nullptr};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free);

void tell(const char* words) {
    if (words == nullptr) return;
    [[maybe_unused]] const auto written = write(STDERR_FILENO, words, std::strlen(words));
}

std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

void on_signal(int number) {
    const int saved = errno;
    if (!g_interrupted.exchange(true)) tell(g_first_words);
    std::int64_t none = 0;
    const auto time = now();
    if (number == SIGINT && !g_first_sigint.compare_exchange_strong(none, time) && time - none > kOneCtrlC) {
        tell(g_second_words);
        _exit(static_cast<int>(Exit::Interrupted));
    }
    errno = saved;
}

}  // namespace

void watch_interrupts() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    // Without SA_RESTART: who waits for an answer is woken.
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
    // A reader that went away must not end us half-way.
    signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
    return g_interrupted;
}

void forget_interrupts() {
    g_first_sigint = 0;
    g_interrupted = false;
}

void set_interrupt_words(const char* first, const char* second) {
    g_first_words = first;
    g_second_words = second;
}

}  // namespace bottle
