#include "reconciler/watch.h"

#include <algorithm>

namespace bottle {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongest{60'000};

}  // namespace

milliseconds retry_after(int failures, milliseconds interval) {
    auto time = interval;
    for (int i = 1; i < failures && time < kLongest; ++i) time *= 2;
    return std::max(interval, std::min(time, kLongest));
}

bool Watched::is_due(const std::string& manifest, milliseconds now) {
    if (manifest != manifest_) {
        manifest_ = manifest;
        failures_ = 0;
    }
    return failures_ == 0 || now >= next_;
}

void Watched::ended(bool reached, milliseconds now, milliseconds interval) {
    failures_ = reached ? 0 : failures_ + 1;
    next_ = now + retry_after(failures_, interval);
}

bool Watched::is_news(const std::string& words) {
    if (words == said_) return false;
    said_ = words;
    return true;
}

}  // namespace bottle
