#include "reconciler/watch.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace std::chrono_literals;

TEST_CASE("watch: what fails is tried again after the interval, then twice as long each time, at most a minute or the interval") {
    CHECK(retry_after(0, 5s) == 5s);
    CHECK(retry_after(1, 5s) == 5s);
    CHECK(retry_after(2, 5s) == 10s);
    CHECK(retry_after(4, 5s) == 40s);
    CHECK(retry_after(5, 5s) == 60s);
    CHECK(retry_after(1'000'000, 5s) == 60s);
    CHECK(retry_after(3, 90s) == 90s);
}

TEST_CASE("watch: a bottle is due in each round, one that failed when its time has come, and one whose manifest changed at once") {
    Watched bottle;
    CHECK(bottle.is_due("a", 0s));
    bottle.ended(true, 1s, 5s);
    CHECK(bottle.is_due("a", 1s));
    bottle.ended(false, 2s, 5s);
    CHECK(bottle.failures() == 1);
    CHECK_FALSE(bottle.is_due("a", 6s));
    CHECK(bottle.is_due("a", 7s));
    bottle.ended(false, 8s, 5s);
    CHECK(bottle.failures() == 2);
    CHECK_FALSE(bottle.is_due("a", 17s));
    CHECK(bottle.is_due("b", 9s));
    CHECK(bottle.failures() == 0);
    bottle.ended(false, 10s, 5s);
    CHECK_FALSE(bottle.is_due("b", 14s));
    bottle.ended(true, 15s, 5s);
    CHECK(bottle.is_due("b", 15s));
}

TEST_CASE("watch: the same words are said once, and again after others") {
    Watched bottle;
    CHECK(bottle.is_news("not Ready: a"));
    CHECK_FALSE(bottle.is_news("not Ready: a"));
    CHECK(bottle.is_news("Ready"));
    CHECK(bottle.is_news("not Ready: a"));
}
