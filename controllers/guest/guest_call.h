#pragma once

#include "controllers/process/process_runner.h"

#include <algorithm>
#include <chrono>
#include <string>

// What calls into a running guest have in common.
namespace bottle {

/// One copy or one short exec; an emulated guest needs about a second.
inline constexpr std::chrono::milliseconds kGuestCall{30'000};

/// The end of the guest's or smolvm's error text, safe to print.
std::string last_words(const ProcessResult& result);

/// For several calls together.
class GuestDeadline {
public:
    explicit GuestDeadline(std::chrono::milliseconds time) : end_(std::chrono::steady_clock::now() + time) {}
    bool passed() const { return std::chrono::steady_clock::now() >= end_; }
    std::chrono::milliseconds left() const {
        return std::max(std::chrono::milliseconds(0), std::chrono::duration_cast<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now()));
    }
    /// The time that the next call has.
    std::chrono::milliseconds for_call() const { return std::min(kGuestCall, left()); }

private:
    std::chrono::steady_clock::time_point end_;
};

}  // namespace bottle
