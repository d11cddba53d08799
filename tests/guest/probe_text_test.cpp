#include "controllers/guest/probe_text.h"

#include <catch2/catch.hpp>

using namespace bottle;
using Kind = ProbeTarget::Kind;
using Expect = ProbeTarget::Expect;
using Guest = ProbeResult::Guest;

namespace {

std::vector<ProbeResult> two() {
    std::vector<ProbeResult> results(2);
    results[0].target = {Kind::Tcp, Expect::Denied, "first", "10.231.0.1", 4000, ""};
    results[1].target = {Kind::DnsUdp, Expect::Denied, "second", "1.1.1.1", 53, "a.invalid"};
    return results;
}

std::string problem(const std::string& text) {
    std::vector<ProbeResult> results = two();
    return read_probe_answer("abc", text, results);
}

}  // namespace

TEST_CASE("the request lists every target by number") {
    std::vector<ProbeTarget> targets;
    for (const ProbeResult& result : two()) targets.push_back(result.target);
    targets.push_back({Kind::BundlePort, Expect::Reached, "p", "10.231.0.2", 80, ""});
    targets.push_back({Kind::Udp6, Expect::Denied, "p", "::1", 81, ""});
    targets.push_back({Kind::Listener, Expect::Denied, "p", "0.0.0.0", 20001, ""});
    CHECK(probe_request("abc", targets) ==
          "nonce abc\n"
          "target t0 tcp 10.231.0.1 4000 -\n"
          "target t1 dns-udp 1.1.1.1 53 a.invalid\n"
          "target t2 bundle 10.231.0.2 80 -\n"
          "target t3 udp ::1 81 -\n"
          "target t4 listen 0.0.0.0 20001 -\n"
          "end\n");
}

TEST_CASE("a whole answer is read") {
    std::vector<ProbeResult> results = two();
    CHECK(read_probe_answer("abc", "abc t1 nxdomain - rcode=3,answers=0\nabc t0 refused ECONNREFUSED -\nabc end 2\n",
                            results)
              .empty());
    CHECK(results[0].guest == Guest::Refused);
    CHECK(results[0].guest_detail == "ECONNREFUSED");
    CHECK(results[1].guest == Guest::Nxdomain);
    CHECK(results[1].guest_detail == "rcode=3,answers=0");
}

TEST_CASE("every outcome has its word") {
    const std::vector<std::pair<std::string, Guest>> words{
        {"connected", Guest::Connected}, {"data", Guest::Data},          {"held", Guest::Held},
        {"reset", Guest::Reset},         {"refused", Guest::Refused},    {"unreachable", Guest::Unreachable},
        {"denied", Guest::Denied},       {"timed-out", Guest::TimedOut}, {"nxdomain", Guest::Nxdomain},
        {"answered", Guest::Answered},   {"listening", Guest::Listening}, {"other", Guest::Other}};
    for (const auto& [word, guest] : words) {
        std::vector<ProbeResult> results = two();
        CHECK(read_probe_answer("abc", "abc t0 " + word + " E x\nabc t1 other - -\nabc end 2\n", results).empty());
        CHECK(results[0].guest == guest);
        CHECK(results[0].guest_detail == "E x");
    }
}

TEST_CASE("an answer of another run, cut short, doubled or strange is a problem") {
    const std::string first = "abc t0 refused ECONNREFUSED -\n";
    const std::string second = "abc t1 nxdomain - -\n";
    REQUIRE(problem(first + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("").empty());
    CHECK_FALSE(problem(first + second).empty());
    CHECK_FALSE(problem(first + second + "abc end 2").empty());
    CHECK_FALSE(problem(first + "abc end 2\n").empty());
    CHECK_FALSE(problem(first + second + "abc end 3\n").empty());
    CHECK_FALSE(problem(first + first + second + "abc end 2\n").empty());
    CHECK_FALSE(problem(first + second + "abc end 2\nabc end 2\n").empty());
    CHECK_FALSE(problem(first + second + "abc end 2\nhello\n").empty());
    CHECK_FALSE(problem("abd t0 refused - -\n" + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("hello\n" + first + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("abc t2 refused - -\n" + first + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("abc t00 refused - -\n" + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("abc t0 holds - -\n" + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("abc t0 refused - - -\n" + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("abc t0 refused -\n" + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("abc t0 refused - \x1b[1m\n" + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("abc t0 refused - " + std::string(300, 'a') + "\n" + second + "abc end 2\n").empty());
    CHECK_FALSE(problem("\n\n\n").empty());
    CHECK(problem("\x1b[31mREADY\n").find('\x1b') == std::string::npos);
}
