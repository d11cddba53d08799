#include "cli/follow.h"
#include "reconciler/desired.h"
#include "reconciler/log_end.h"
#include "tests/docker/stub_engine.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

using namespace bottle;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// 2026-11-24T12:20:00Z
constexpr std::int64_t kBegin = 1'795'522'800;

/// What the stand-in engine keeps of one container: its messages, each with the nanosecond (after kBegin) at which it came.
class Messages {
public:
    void add(std::int64_t at, const std::string& text) {
        const std::lock_guard lock(mutex_);
        all_.emplace_back(at, text);
    }

    /// As Docker answers: the message of the very time `since` too (daemon/logger/jsonfilelog of 20.10: skipped is what was before it).
    std::string body(const std::string& request) const {
        const std::lock_guard lock(mutex_);
        std::string made;
        for (const auto& [at, text] : all_) {
            if (at >= since(request)) made += frame(fmt::format("2026-11-24T12:20:{:02}.{:09}Z {}", at / kSecond, at % kSecond, text));
        }
        return made;
    }

private:
    static std::int64_t since(const std::string& request) {
        const std::string mark = "&since=";
        const auto at = request.find(mark);
        if (at == std::string::npos) return 0;
        const auto text = request.substr(at + mark.size());
        return (std::stoll(text) - kBegin) * kSecond + std::stoll(text.substr(text.find('.') + 1));
    }

    static std::string frame(const std::string& message) {
        std::string made("\1\0\0\0", 4);
        for (int shift = 24; shift >= 0; shift -= 8) made += static_cast<char>(message.size() >> shift & 0xFF);
        return made + message;
    }

    mutable std::mutex mutex_;
    std::vector<std::pair<std::int64_t, std::string>> all_;
};

/// At each sleep, what happens meanwhile.
class EventfulClock : public model::ModelClock {
public:
    explicit EventfulClock(std::function<void(int)> meanwhile) : meanwhile_(std::move(meanwhile)) {}
    void sleep(std::chrono::milliseconds time) override {
        ModelClock::sleep(time);
        meanwhile_(++sleeps);
    }
    int sleeps = 0;

private:
    std::function<void(int)> meanwhile_;
};

/// A bottle `docs` with one container, whose log is at the stand-in engine.
struct Followed {
    Messages messages;
    std::string status = "running";
    std::string problem;  ///< not empty: what Docker answers in place of a log
    int looks = 0;
    StubEngine engine{[this](const std::string& request, StubEngine::Connection& client) { answer(request, client); }};
    std::unique_ptr<LogSource> log = open_log({"/nonexistent", "unix://" + engine.socket(), "docs", "egress", std::nullopt});
    std::string out;

    void answer(const std::string& request, StubEngine::Connection& client) const {
        const bool is_ping = request.starts_with("GET /_ping");
        const auto body = is_ping ? "OK" : problem.empty() ? messages.body(request) : fmt::format(R"({{"message":"{}"}})", problem);
        client.send(fmt::format("HTTP/1.1 {} X\r\nApi-Version: 1.41\r\nContent-Length: {}\r\n\r\n{}", is_ping || problem.empty() ? 200 : 404, body.size(), body));
    }

    bool has_ended() {
        ++looks;
        ObservedContainer container;
        container.is.name = container_name("docs", "egress");
        container.status = status;
        Snapshot snapshot;
        DockerView view;
        view.containers = {container};
        snapshot.docker = std::move(view);
        return log_has_ended("egress", "docs", snapshot);
    }

    Exit follow(Clock& clock) {
        return follow_log(*log, [this](const std::string& text) { out += text; }, [this] { return has_ended(); }, clock);
    }

    /// What was asked of the log, one a call: "tail=200", "tail=all since=…".
    std::vector<std::string> calls() const {
        std::vector<std::string> made;
        for (const auto& request : engine.requests()) {
            if (request.starts_with("GET /_ping")) continue;
            const auto line = request.substr(0, request.find(" HTTP/"));
            REQUIRE(line.find("/containers/bottle-docs-egress/logs?") != std::string::npos);
            made.push_back(line.substr(line.find("tail=")));
        }
        return made;
    }
};

}  // namespace

TEST_CASE("a container's log is followed until the container has ended: each message once, and no call more than that takes") {
    Followed container;
    container.messages.add(1, "there before\n");
    EventfulClock clock([&](int sleep) {
        if (sleep == 1) container.messages.add(2, "a nanosecond later\n");
        if (sleep == 3) container.messages.add(kSecond - 1, "at the end of a second\n");
        if (sleep == 4) container.messages.add(kSecond, "at the next one's begin\n");
        if (sleep == 6) container.messages.add(3 * kSecond, "last words\n");
        if (sleep == 6) container.status = "exited";
    });
    CHECK(container.follow(clock) == Exit::Ok);
    CHECK(container.out == "there before\na nanosecond later\nat the end of a second\nat the next one's begin\nlast words\n");
    // The bottle is looked at before turns 0, 4 and 8, the log read in turns 0 to 8.
    CHECK(container.looks == 3);
    CHECK(clock.sleeps == 8);
    CHECK(container.calls() == std::vector<std::string>{"tail=200", "tail=all&since=1795522800.000000002", "tail=all&since=1795522800.000000003", "tail=all&since=1795522800.000000003",
                                                        "tail=all&since=1795522801.000000000", "tail=all&since=1795522801.000000001", "tail=all&since=1795522801.000000001",
                                                        "tail=all&since=1795522803.000000001", "tail=all&since=1795522803.000000001"});
    // One question for the version, whatever is asked after it.
    CHECK(container.engine.requests().size() == container.calls().size() + 1);
}

TEST_CASE("what a container writes while it is looked at, and ends, is not lost") {
    Followed container;
    EventfulClock clock([](int) {});
    const auto exit = follow_log(*container.log, [&](const std::string& text) { container.out += text; },
                                 [&] {
                                     container.messages.add(1, "last words\n");
                                     container.status = "exited";
                                     return container.has_ended();
                                 },
                                 clock);
    CHECK(exit == Exit::Ok);
    CHECK(container.out == "last words\n");
    CHECK(container.calls().size() == 1);
}

TEST_CASE("a container that writes nothing is asked for its last lines until there are some") {
    Followed container;
    EventfulClock clock([&](int sleep) {
        if (sleep == 2) container.messages.add(7, "first words\n");
        if (sleep == 3) container.status = "exited";
    });
    CHECK(container.follow(clock) == Exit::Ok);
    CHECK(container.out == "first words\n");
    CHECK(container.calls() == std::vector<std::string>{"tail=200", "tail=200", "tail=200", "tail=all&since=1795522800.000000008", "tail=all&since=1795522800.000000008"});
}

TEST_CASE("whoever follows may end it, and a log that cannot be read any more ends it in Docker's words") {
    Followed container;
    container.messages.add(1, "one\n");
    SECTION("interrupted at the third turn") {
        EventfulClock clock([](int) {});
        clock.interrupt_at = 2;
        CHECK(container.follow(clock) == Exit::Interrupted);
        CHECK(container.out == "one\n");
        CHECK(container.calls().size() == 2);
        CHECK(container.looks == 1);
    }
    SECTION("Docker knows it no longer") {
        EventfulClock clock([&](int) { container.problem = "No such container"; });
        CHECK_THROWS_WITH(container.follow(clock), Catch::Contains("No such container"));
        CHECK(container.out == "one\n");
        CHECK(container.calls().size() == 2);
    }
}
