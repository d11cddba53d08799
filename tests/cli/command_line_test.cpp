#include "cli/command_line.h"
#include "cli/consent.h"
#include "cli/help.h"
#include "manifests/error.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>

using namespace bottle;

namespace {

using Words = std::vector<std::string>;

/// What a person sees who types it: the error, and the exit code.
std::string typed(const Words& words) {
    auto text = fmt::format("$ bottle {}\n", printable(fmt::format("{}", fmt::join(words, " "))));
    try {
        const auto line = read_command_line(words);
        return text + (line.help.empty() ? "runs\n" : "help\n");
    } catch (const Error& error) {
        return text + render(error) + fmt::format("exit {}\n", static_cast<int>(error.exit()));
    }
}

/// Code points of the longest line, and how many lines there are.
std::pair<std::size_t, std::size_t> size_of(const std::string& text) {
    std::size_t widest = 0;
    std::size_t count = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line); ++count) {
        const auto width = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
        widest = std::max(widest, static_cast<std::size_t>(width));
    }
    return {widest, count};
}

}  // namespace

TEST_CASE("the overview fits a screen, and every command is on it") {
    const auto text = overview();
    CHECK(size_of(text).first <= 80);
    CHECK(size_of(text).second <= 24);
    for (const auto& command : command_texts()) CHECK(text.find(std::string("  ") + command.name + " ") != std::string::npos);
    check_golden("cli/overview.txt", text);
}

TEST_CASE("golden: the help of every command, in 80 columns") {
    std::string all;
    for (const auto& command : command_texts()) {
        const auto text = help_of(command);
        INFO(command.name);
        CHECK(size_of(text).first <= 80);
        CHECK_FALSE(command.examples.empty());
        all += "$ bottle " + std::string(command.name) + " --help\n" + text + "\n";
    }
    check_golden("cli/help.txt", all);
}

TEST_CASE("every example is a command line that is understood") {
    for (const auto& command : command_texts()) {
        for (const auto& example : command.examples) {
            INFO(example);
            std::istringstream text(example);
            Words words;
            for (std::string word; text >> word;) words.push_back(word);
            REQUIRE(words.front() == "bottle");
            words.erase(words.begin());
            CHECK(std::string(read_command_line(words).command->name) == command.name);
        }
    }
}

TEST_CASE("golden: what newcomers mistype, each with the way out") {
    const std::vector<Words> mistakes = {
        {}, {"aply"}, {"up"}, {"frobnicate"}, {"sta\x1b[31mtus"}, {"-f", "bottle.yaml", "apply"}, {"--frobnicate"}, {"help", "aply"},
        {"apply", "bottle.yaml"}, {"status", "bottle.yaml"}, {"diff", "Docs"}, {"status", "docs", "other"}, {"validate", "docs"}, {"version", "1"}, {"status", ""},
        {"diff", "--outptu", "json"}, {"diff", "--out=json"}, {"diff", "-o", "jsn"}, {"diff", "-o", "table"}, {"diff", "-o"}, {"diff", "-x"}, {"apply", "-o", "json"},
        {"diff", "-f"}, {"apply", "docs", "-f", "bottle.yaml"}, {"apply", "--timeout", "5"}, {"apply", "--timeout", "soon"}, {"apply", "--timeout", "-5s"},
        {"diff", "--dry-run"}, {"get", "docs", "-y"}, {"delete", "docs", "--force"}, {"apply", "--auto-approve"}, {"status", "-n", "prod"}, {"status", "--all"},
        {"exec"}, {"exec", "docs"}, {"exec", "docs", "--"}, {"exec", "docs", "ls", "-l"}, {"logs"}, {"logs", "Docs/egress"},
        {"logs", "docs", "--tail", "ten"}, {"logs", "docs", "--tail", "-3"}, {"logs", "docs", "--tail"}, {"explain", "docs", "1.1.1.1"}, {"explain", "docs", "1.1.1.1:443", "x"},
        {"apply", "next.plan", "-f", "bottle.yaml"}, {"apply", "./next", "--adopt"}, {"apply", "docs", "next.plan"}, {"plan", "next.plan"}, {"plan", "--out", "next.yaml"}, {"plan", "--out"}, {"apply", "next.plan", "--prune"},
        {"apply", "--prune"}, {"watch", "--prune"}, {"watch", "docs"}, {"watch", "--interval", "5"}, {"watch", "--interval", "100ms"}, {"watch", "--parallel", "0"}, {"apply", "--parallel", "many"}, {"apply", "docs", "--prune"}, {"apply", "--progress", "jsn"}, {"apply", "--progress"}, {"diff", "--progress", "plain"}, {"diff", "-o", "dif"},
        {"events", "--since", "yesterday"}, {"get", "-l", "team"}, {"unpause", "docs"}, {"rollback", "docs", "--to", "last"}, {"rollback"}, {"run", "--rm"}, {"get", "-l", "team!=docs"}, {"get", "docs", "-l", "team=docs"}, {"wait", "docs"}, {"describe"}, {"completion"}, {"completion", "csh"},
    };
    std::string all;
    for (const auto& words : mistakes) {
        const auto text = typed(words);
        INFO(text);
        CHECK(text.find("\nexit 2\n") != std::string::npos);
        CHECK(text.find("  hint: ") != std::string::npos);
        all += text + "\n";
    }
    check_golden("cli/mistakes.txt", all);
}

TEST_CASE("what is asked for help is not run") {
    for (const auto& words : {Words{"--help"}, Words{"-h"}, Words{"help"}}) CHECK(read_command_line(words).help == overview());
    for (const auto& words : {Words{"exec", "--help"}, Words{"exec", "-h"}, Words{"help", "exec"}, Words{"exec", "docs", "--help"}}) {
        CHECK(read_command_line(words).help == help_of(*command_text("exec")));
    }
    CHECK(read_command_line({"exec", "docs", "--", "ls", "--help"}).help.empty());
    CHECK(std::string(read_command_line({"--version"}).command->name) == "version");
}

TEST_CASE("what the words of a command line come to") {
    SECTION("files: one a -f") {
        const auto line = read_command_line({"diff", "-f", "a.yaml", "--file", "b.yaml", "--file=c.yaml", "-f", "-"});
        CHECK(line.options.files == Words{"a.yaml", "b.yaml", "c.yaml", "-"});
        CHECK(line.options.name.empty());
    }
    SECTION("a name, and what it shall look like") {
        const auto line = read_command_line({"diff", "docs", "-o", "text", "-ojson", "--no-color"});
        CHECK(line.options.name == "docs");
        CHECK(line.options.output == "json");
        CHECK(line.options.no_color);
        CHECK_FALSE(read_command_line({"diff"}).options.no_color);
        CHECK(read_command_line({"--no-color", "diff"}).options.no_color);
        CHECK(read_command_line({"diff"}).options.output == "text");
    }
    SECTION("a target") {
        const auto line = read_command_line({"explain", "docs", "[::1]:443"});
        CHECK(line.options.name == "docs");
        CHECK(line.options.target == "[::1]:443");
        CHECK(read_command_line({"explain", "-f", "a.yaml", "x.org:80"}).options.target == "x.org:80");
        CHECK(read_command_line({"explain", "-f", "a.yaml", "x.org:80"}).options.name.empty());
        CHECK(read_command_line({"explain", "docs"}).options.target.empty());
    }
    SECTION("a saved plan: a file, which no name looks like") {
        for (const char* file : {"next.plan", "./next", "/tmp/next", "a/b"}) {
            CHECK(read_command_line({"apply", file}).options.plan == file);
            CHECK(read_command_line({"apply", file}).options.name.empty());
        }
        CHECK(read_command_line({"apply", "next"}).options.plan.empty());
        CHECK(read_command_line({"plan", "--out", "next", "docs"}).options.out == "next");
        CHECK(read_command_line({"plan", "--out=next.plan", "--adopt"}).options.adopt);
    }
    SECTION("asking, and only showing") {
        CHECK(read_command_line({"delete", "docs", "-y"}).options.yes);
        CHECK(read_command_line({"apply", "--yes", "--dry-run"}).options.yes);
        CHECK(read_command_line({"apply", "--yes", "--dry-run"}).options.dry_run);
        CHECK_FALSE(read_command_line({"apply"}).options.yes);
        for (const char* yes : {"y", "Y", "yes", " YES \r"}) CHECK(is_yes(yes));
        for (const char* no : {"", "n", "no", "ye", "yess", "yes please", "\x1b[Cy", "j"}) CHECK_FALSE(is_yes(no));
    }
    SECTION("what goes, what may not come, and how it is told") {
        const auto line = read_command_line({"apply", "-f", "bottles", "--prune", "-l", "team=docs", "--no-widen", "--progress=json"});
        CHECK(line.options.prune);
        CHECK(line.options.no_widen);
        CHECK(line.options.selector.at("team") == "docs");
        CHECK(line.options.progress == "json");
        CHECK(read_command_line({"delete", "docs"}).options.progress == "auto");
        CHECK(read_command_line({"plan", "-o", "diff"}).options.output == "diff");
    }
    SECTION("names and labels") {
        CHECK(read_command_line({"get", "one", "two"}).options.names == Words{"one", "two"});
        CHECK(read_command_line({"get", "-l", "team=docs,tier=web", "-l", "x=a.b"}).options.selector ==
              std::map<std::string, std::string>{{"team", "docs"}, {"tier", "web"}, {"x", "a.b"}});
    }
    SECTION("logs and events: -f is to follow") {
        CHECK(read_command_line({"logs", "-f", "docs/egress", "--tail", "5"}).options.follow);
        CHECK(read_command_line({"logs", "docs/egress", "--tail", "5"}).options.tail == 5);
        CHECK(read_command_line({"logs", "docs/egress", "--tail", "5"}).options.name == "docs/egress");
        CHECK_FALSE(read_command_line({"logs", "docs"}).options.tail);
        CHECK(read_command_line({"events", "-f", "docs", "--since", "1h"}).options.since == std::chrono::hours(1));
    }
    SECTION("times") {
        CHECK(read_command_line({"apply"}).options.timeout == std::chrono::seconds(60));
        CHECK(read_command_line({"apply", "--timeout", "5s", "--timeout", "5m"}).options.timeout == std::chrono::minutes(5));
        CHECK(read_command_line({"apply", "--timeout=1500ms"}).options.timeout == std::chrono::milliseconds(1500));
        CHECK(read_command_line({"apply", "--timeout=1h", "--adopt"}).options.adopt);
    }
    SECTION("a guest's command keeps its own options") {
        const auto line = read_command_line({"exec", "docs", "--", "ls", "-l", "--", "-f"});
        CHECK(line.options.name == "docs");
        CHECK(line.options.command == Words{"ls", "-l", "--", "-f"});
        CHECK(line.options.files.empty());
    }
}

TEST_CASE("no option has two meanings in one command, and none is without a text") {
    for (const auto& command : command_texts()) {
        std::set<std::string> names;
        for (const auto option : options_of(command)) {
            INFO(command.name << " " << option_text(option).names);
            CHECK(names.insert(long_name(option_text(option))).second);
            CHECK_FALSE(option_help(command, option).empty());
        }
        const auto takes_output = std::count(command.options.begin(), command.options.end(), Opt::Output) == 1;
        CHECK(takes_output == !command.outputs.empty());
    }
}
