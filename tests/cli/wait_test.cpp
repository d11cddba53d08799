#include "cli/print_env.h"
#include "cli/wait_for.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/wait.h>

#include <cstdio>
#include <map>

using namespace bottle;
using std::chrono::milliseconds;

namespace {

/// Bottles that become Ready at the n-th look at them, and are gone from `gone_at` on.
struct Host {
    std::map<std::string, int> ready_at;
    std::map<std::string, int> gone_at;
    std::map<std::string, int> looks;

    LookAt look() {
        return [this](const std::string& bottle) -> std::optional<std::vector<Condition>> {
            const int number = ++looks[bottle];
            if (gone_at.count(bottle) != 0 && number >= gone_at[bottle]) return std::nullopt;
            const bool ready = ready_at.count(bottle) != 0 && number >= ready_at[bottle];
            return std::vector<Condition>{{"Ready", ready ? "True" : "False", "Reason", ready ? "" : "not \x1b[31myet"}};
        };
    }
};

std::string refused(const std::string& text) {
    try {
        parse_wait_for(text);
    } catch (const Error& error) {
        return fmt::format("$ bottle wait docs --for={}\n{}exit {}\n\n", text, render(error), static_cast<int>(error.exit()));
    }
    return text + " is taken";
}

std::string told(const WaitFor& wanted, const WaitResult& result) {
    auto text = wait_text(wanted, result) + wait_json(wanted, result);
    if (result.exit != Exit::Ok) text += render(Error(result.exit, wait_problems(wanted, result)));
    return text + fmt::format("exit {}\n", static_cast<int>(result.exit));
}

const WaitFor kReady = parse_wait_for("condition=Ready");
const WaitFor kGone = parse_wait_for("delete");

}  // namespace

TEST_CASE("what can be waited for") {
    CHECK(parse_wait_for("condition=Ready").type == "Ready");
    CHECK(parse_wait_for("condition=Ready").status == "True");
    CHECK(parse_wait_for("condition=Confined=False").status == "False");
    CHECK(parse_wait_for("condition=Confined=Unknown").status == "Unknown");
    CHECK(parse_wait_for("delete").gone);
    CHECK_FALSE(parse_wait_for("condition=Ready").gone);
    std::string all;
    for (const auto* text : {"Ready", "condition=", "condition=Redy", "condition=ready", "condition=Ready=yes", "condition=Ready=", "deleted", "jsonpath={.x}", "condition=\x1b[2J"}) all += refused(printable(text));
    check_golden("cli/wait-mistakes.txt", all);
}

TEST_CASE("golden: waiting ends when all are so, and each is looked at only until then") {
    Host host{{{"docs", 1}, {"other", 4}}, {}, {}};
    model::ModelClock clock;
    const auto result = wait_until(kReady, {"docs", "other"}, host.look(), clock, milliseconds(60'000));
    CHECK(result.exit == Exit::Ok);
    CHECK(host.looks == std::map<std::string, int>{{"docs", 1}, {"other", 4}});
    check_golden("cli/wait-met.txt", told(kReady, result));
}

TEST_CASE("golden: waiting that is not in time ends with 4, and says what was last seen") {
    Host host{{{"docs", 1}}, {}, {}};
    model::ModelClock clock;
    const auto result = wait_until(kReady, {"docs", "other"}, host.look(), clock, milliseconds(1'200));
    CHECK(result.exit == Exit::Timeout);
    // At once, after each half second, and at the very end.
    CHECK(host.looks["other"] == 4);
    check_golden("cli/wait-timeout.txt", told(kReady, result));
    SECTION("a timeout of nothing is one look") {
        Host once{{{"docs", 2}}, {}, {}};
        CHECK(wait_until(kReady, {"docs"}, once.look(), clock, milliseconds(0)).exit == Exit::Timeout);
        CHECK(once.looks["docs"] == 1);
        CHECK(wait_until(kReady, {"docs"}, once.look(), clock, milliseconds(0)).exit == Exit::Ok);
    }
}

TEST_CASE("waiting that is interrupted ends with 130") {
    Host host;
    model::ModelClock clock;
    clock.interrupt_at = 1;
    CHECK(wait_until(kReady, {"docs"}, host.look(), clock, milliseconds(60'000)).exit == Exit::Interrupted);
    CHECK(host.looks["docs"] == 2);
}

TEST_CASE("a bottle that is deleted is what delete waits for, and the end of waiting for a condition") {
    Host host{{}, {{"docs", 3}}, {}};
    model::ModelClock clock;
    SECTION("delete") {
        const auto result = wait_until(kGone, {"docs", "docs"}, host.look(), clock, milliseconds(60'000));
        CHECK(result.exit == Exit::Ok);
        check_golden("cli/wait-deleted.txt", told(kGone, result));
    }
    SECTION("a condition") {
        const auto result = wait_until(kReady, {"docs"}, host.look(), clock, milliseconds(60'000));
        CHECK(result.exit == Exit::Failed);
        check_golden("cli/wait-gone.txt", told(kReady, result));
    }
    SECTION("not deleted") {
        Host stays;
        const auto result = wait_until(kGone, {"docs"}, stays.look(), clock, milliseconds(1'000));
        CHECK(result.exit == Exit::Timeout);
        check_golden("cli/wait-still-there.txt", told(kGone, result));
    }
    SECTION("none at all") { CHECK(wait_until(kGone, {}, host.look(), clock, milliseconds(0)).exit == Exit::Ok); }
}

TEST_CASE("golden: the variables for smolvm by hand") {
    const std::vector<std::string> environment = {"HOME=/var/lib/o'brien/$(reboot)/home", "XDG_DATA_HOME=/a b/data", "EMPTY=", "EQUALS=a=b"};
    check_golden("cli/env.txt", env_text(environment));
    check_golden("cli/env.json", env_json("docs", environment));
}

TEST_CASE("a shell reads back every quoted text as it was") {
    for (const std::string text : {"", "plain", "o'brien", "''", "$HOME `id` \\ \"x\" !", "new\nline", "\xff\x1b", "*"}) {
        const auto command = "printf %s " + shell_quoted(text);
        FILE* pipe = popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::string read(64, '\0');
        read.resize(fread(read.data(), 1, read.size(), pipe));
        CHECK(pclose(pipe) == 0);
        CHECK(read == text);
    }
}
