#include "cli/at_once.h"
#include "cli/print_watch.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace bottle;
using namespace std::chrono_literals;

TEST_CASE("golden: what a watch says of a bottle, as lines and as documents") {
    using Status = WatchNews::Status;
    const std::string time = "2026-03-01T09:00:00Z";
    const std::vector<Problem> problems = {{Place{"bottle.yaml", 7, 5}, "there is no image \x1b[31mweb:1", "docker pull web:1", ""}, {{}, "another", "", ""}};
    std::string text;
    for (const auto& news : {WatchNews{time, "docs", Status::Ready, 0, {}, {}}, WatchNews{time, "docs", Status::Ready, 1, {}, {}}, WatchNews{time, "docs", Status::Ready, 9, {}, {}},
                             WatchNews{time, "docs", Status::NotReady, 0, problems, 40s}, WatchNews{time, "docs", Status::Paused, 0, {}, {}}, WatchNews{time, "docs", Status::NotNamed, 0, {}, {}},
                             WatchNews{time, "docs", Status::Deleted, 5, {}, {}}, WatchNews{time, "docs", Status::NotDeleted, 0, problems, 5s}, WatchNews{time, "", Status::NotRead, 0, problems, {}}}) {
        text += watch_line(news) + watch_json(news);
    }
    check_golden("cli/watch.txt", text);
}

TEST_CASE("at once: each number once, and never more than asked for at the same time") {
    for (const std::size_t parallel : {1U, 3U, 100U}) {
        for (const std::size_t count : {0U, 1U, 2U, 20U}) {
            INFO(parallel << " of " << count);
            std::vector<std::atomic<int>> done(count);
            std::atomic<std::size_t> now{0};
            std::atomic<std::size_t> most{0};
            at_once(count, parallel, [&](std::size_t i) {
                const auto running = ++now;
                for (auto seen = most.load(); seen < running && !most.compare_exchange_weak(seen, running);) continue;
                std::this_thread::yield();
                ++done[i];
                --now;
            });
            CHECK(most <= std::min(parallel, count));
            for (const auto& times : done) CHECK(times == 1);
        }
    }
}
