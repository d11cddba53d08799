#include "cli/log_text.h"
#include "controllers/docker/container_log.h"
#include "controllers/log_source.h"
#include "controllers/machine/machine_paths.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <fstream>

using namespace bottle;

namespace {

std::string frame(const std::string& message) {
    std::string made("\1\0\0\0", 4);
    for (int shift = 24; shift >= 0; shift -= 8) made += static_cast<char>(message.size() >> shift & 0xFF);
    return made + message;
}

struct Fixture {
    TempFolder top;
    std::string folder = top.file("bottles/docs");
    std::string path = folder + "/workload.log";

    Fixture() { std::filesystem::create_directories(folder); }
    std::unique_ptr<LogSource> log(std::optional<int> tail = std::nullopt) const { return open_log({top.file(""), "", "docs", "", tail}); }
    void add(const std::string& text) const { std::ofstream(path, std::ios::binary | std::ios::app) << text; }
};

}  // namespace

TEST_CASE("a container's log is its messages without their times, every byte as it was") {
    const std::string hostile("a\0b \x1b[2J\xff\n", 10);
    const auto log = read_container_log(frame("2026-11-24T12:20:56.123456789Z one\n") + frame("2026-11-24T12:20:57Z " + hostile) + frame("no time\n") + frame("2026-11-24T12:20:58.5Z \n"));
    CHECK(log.text == "one\n" + hostile + "no time\n\n");
    CHECK(log.last == "2026-11-24T12:20:58.5Z");
    CHECK(read_container_log("").text.empty());
    CHECK(read_container_log("").last.empty());
}

TEST_CASE("a container's log cut at any length is read without harm") {
    const auto whole = frame("2026-11-24T12:20:56Z one\n") + frame("2026-11-24T12:20:57Z two\n");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto log = read_container_log(whole.substr(0, length));
        CHECK(log.text.size() <= std::string("one\ntwo\n").size() + std::string("2026-11-24T12:20:57").size());
    }
    CHECK(read_container_log(std::string("\1\0\0\0\xff\xff\xff\xff", 8) + "x").text == "x");
}

TEST_CASE("what came after a time is asked for to the nanosecond") {
    CHECK(after("2026-11-24T12:20:56.123456789Z") == "1795522856.123456790");
    CHECK(after("2026-11-24T12:20:56.999999999Z") == "1795522857.000000000");
    CHECK(after("2026-11-24T12:20:56Z") == "1795522856.000000001");
    CHECK(after("2026-11-24T12:20:56.5Z") == "1795522856.500000001");
    for (const auto* bad : {"", "yesterday", "2026-11-24T12:20:56", "2026-11-24T12:20:56.5", "2026-11-24T12:20:56+01:00"}) CHECK(after(bad).empty());
}

TEST_CASE("a log that grows is read bit by bit, and one that is not there yet is empty") {
    const Fixture place;
    const auto log = place.log();
    CHECK(log->next().empty());
    place.add("one\n");
    CHECK(log->next() == "one\n");
    CHECK(log->next().empty());
    place.add("tw");
    CHECK(log->next() == "tw");
    place.add(std::string("o\0\xff", 3));
    CHECK(log->next() == std::string("o\0\xff", 3));
}

TEST_CASE("a log that became another file loses nothing: what is left of the first is read before the second") {
    const Fixture place;
    const auto log = place.log();
    place.add("one\n");
    CHECK(log->next() == "one\n");
    place.add("two\n");
    std::filesystem::rename(place.path, place.path + ".1");
    CHECK(log->next() == "two\n");
    place.add("three\n");
    CHECK(log->next() == "three\n");
    SECTION("emptied and written anew") {
        std::ofstream(place.path, std::ios::trunc) << "4\n";
        CHECK(log->next() == "4\n");
    }
}

TEST_CASE("the last lines of a log, and then all that is new") {
    const Fixture place;
    place.add("one\ntwo\nthree\n");
    const auto log = place.log(2);
    CHECK(log->next() == "two\nthree\n");
    place.add("four\nfive\nsix\n");
    CHECK(log->next() == "four\nfive\nsix\n");
    CHECK(last_lines("one\ntwo\nthr", 2) == "two\nthr");
    CHECK(last_lines("one\n", 5) == "one\n");
    CHECK(last_lines("\n\n", 1) == "\n");
    CHECK(last_lines("one\n", 0).empty());
    CHECK(last_lines("", 3).empty());
    CHECK(last_lines("\nx", 1) == "x");
}

TEST_CASE("what is no regular file of the machine's is not read as its console") {
    const TempFolder top;
    const auto folder = machine_paths(top.file(""), "docs").vm_folder;
    std::filesystem::create_directories(folder);
    const auto path = folder + "/agent-console.log";
    std::string why;
    SECTION("a link") {
        write_file(top.file("secret"), "secret");
        std::filesystem::create_symlink(top.file("secret"), path);
        why = "Too many levels of symbolic links";
    }
    SECTION("a FIFO") {
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        why = "is not a regular file";
    }
    const auto text = raised([&] { open_log({top.file(""), "", "docs", "machine", std::nullopt})->next(); });
    CHECK(text.rfind("1: ", 0) == 0);
    CHECK(text.find(why) != std::string::npos);
}

TEST_CASE("to a terminal a log goes line by line, and none of it is the terminal's own") {
    LogText lines;
    CHECK(lines.add("one\r\ntw") == "one\n");
    CHECK(lines.add("o\tthree \x1b]0;title\x07\n") == "two\tthree \\x1B]0;title\\x07\n");
    CHECK(lines.add("\xe2\x86").empty());
    // A letter of several bytes that came in two pieces is one letter.
    CHECK(lines.add("\x92\n") == "\xe2\x86\x92\n");
    CHECK(lines.add("over\rwritten\n\n") == "over\\x0Dwritten\n\n");
    CHECK(lines.rest().empty());
    CHECK(lines.add("no end\xff").empty());
    CHECK(lines.rest() == "no end\\xFF\n");
    CHECK(lines.rest().empty());
}
