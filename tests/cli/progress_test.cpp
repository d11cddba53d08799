#include "cli/external_diff.h"
#include "cli/interrupt.h"
#include "cli/screen_progress.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

using namespace bottle;
using std::chrono::milliseconds;

namespace {

Step step(const std::string& id, char symbol = '+') {
    Step made;
    made.id = id;
    made.symbol = symbol;
    return made;
}

std::string visible(std::string text) {
    for (std::size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b')) text.replace(at, 1, "ESC");
    return text;
}

const std::vector<RunningStep> kRunning = {{"docs", step("create container bottle-docs-egress"), milliseconds(0)}, {"one\x1b[2J", step("start bottle-one\r", '>'), milliseconds(83'456)}};

}  // namespace

TEST_CASE("running steps: one line each, with the time that it runs for, and no wider than the screen") {
    CHECK(running_lines(kRunning, false, {}) == "docs  + create container bottle-docs-egress  0.0s\none\\x1B[2J  > start bottle-one\\x0D  83.5s");
    CHECK(running_lines(kRunning, false, {30, false}) == "docs  + create containe…  0.0s\none\\x1B[2J  > start bo…  83.5s");
    for (const std::size_t width : {25U, 30U, 45U, 80U}) {
        std::istringstream lines(running_lines(kRunning, true, {width, false}));
        for (std::string line; std::getline(lines, line);) {
            INFO(width << ": " << line);
            CHECK(static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; })) <= width);
        }
    }
    CHECK(running_lines({}, false, {80, true}).empty());
    CHECK(running_lines({}, true, {}).find("interrupted: ") == 0);
    CHECK(visible(running_lines({kRunning.front()}, false, {80, true})) == "docs  ESC[32m+ESC[0m create container bottle-docs-egress  0.0s");
}

TEST_CASE("a step that ended is one line, in the same words with and without colour") {
    const auto start = step("start bottle-docs", '>');
    CHECK(ended_line("docs", start, {}, milliseconds(1'234), {}) == "docs  > start bottle-docs done 1.2s\n");
    CHECK(ended_line("docs", start, {Outcome::Kind::Retry, "locked", ""}, milliseconds(10), {}) == "docs  > start bottle-docs waiting 0.0s: locked\n");
    CHECK(ended_line("docs", start, {Outcome::Kind::Failed, "no\x1b[31m", ""}, milliseconds(0), {}) == "docs  > start bottle-docs FAILED 0.0s: no\\x1B[31m\n");
    CHECK(visible(ended_line("docs", start, {Outcome::Kind::Failed, "no", ""}, milliseconds(0), {0, true})) == "docs  ESC[32m>ESC[0m start bottle-docs ESC[31mFAILEDESC[0m 0.0s: no\n");
}

TEST_CASE("golden: progress as JSON, one document a line") {
    const Outcome done;
    const Outcome failed{Outcome::Kind::Failed, "no\x1b[31m \xff", ""};
    const Outcome again{Outcome::Kind::Retry, "locked", ""};
    std::string all;
    for (const auto* ended : {static_cast<const Outcome*>(nullptr), &done, &again, &failed}) {
        all += progress_json("2026-11-26T12:00:00Z", "docs", step("start bottle-docs", '>'), ended, milliseconds(1'234)) + "\n";
    }
    CHECK(all.find('\x1b') == std::string::npos);
    check_golden("cli/progress.json", all);
}

TEST_CASE("what diff prints: without its command lines and times, its signs in colour, and no byte of a terminal's own") {
    const std::string printed =
        "diff -u -N -r observed/a.yaml desired/a.yaml\n--- observed/a.yaml\t2026-11-26 12:00:00.0 +0000\n+++ desired/a.yaml\t2026-11-26 12:00:00.0 +0000\n@@ -1,2 +1,2 @@\n same\n-old\x1b[2J\n+new\n";
    CHECK(tidy_diff(printed, {}) == "--- observed/a.yaml\n+++ desired/a.yaml\n@@ -1,2 +1,2 @@\n same\n-old\\x1B[2J\n+new\n");
    CHECK(visible(tidy_diff("-old\n+new\n@@ @@\n x\n", {0, true})) == "ESC[31m-oldESC[0m\nESC[32m+newESC[0m\nESC[33m@@ @@ESC[0m\n x\n");
}

TEST_CASE("golden: a unified diff of what is there and what shall be") {
    auto world = model::ready_world();
    world.container_named("bottle-docs-writer-egress")->is.cap_add = {"NET_ADMIN"};
    world.workload->state = WorkloadExited{7};
    const auto manifest = model::sample_manifest();
    const auto look = [&](model::ModelWorld& of) { return differing_documents(model::look_and_plan(of, manifest).desired, of.observe(model::scope_of(of, manifest))); };
    check_golden("cli/diff-unified.txt", unified_diff(look(world), "", {}));
    auto empty = model::empty_world();
    check_golden("cli/diff-unified-first-apply.txt", unified_diff(look(empty), "", {}));
    CHECK(unified_diff({}, "/nonexistent/program", {}).empty());
}

TEST_CASE("a program of one's own for the diff: two folders, no shell, and an exit code of 0 or 1") {
    const std::vector<ResourceDocument> documents = {{"docs.volume.cache", nullptr, {{"Driver", "local"}}}};
    CHECK(unified_diff(documents, "true", {}).empty());
    CHECK(unified_diff(documents, "  false  ", {}).empty());
    const auto problem = [&](const std::string& program) {
        try {
            unified_diff(documents, program, {});
            return std::string("none");
        } catch (const Error& error) {
            return std::string(error.what());
        }
    };
    CHECK(problem("/nonexistent/program -u") == "the program for the diff, /nonexistent/program, could not be started: No such file or directory");
    CHECK(problem("ls --frobnicate") == "the program for the diff, ls, ended with 2");
    CHECK(problem("echo;false") == "the program for the diff, echo;false, could not be started: No such file or directory");
}
