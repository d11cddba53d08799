#include "cli/command_texts.h"
#include "cli/complete.h"
#include "cli/completion_script.h"
#include "cli/help.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <stdexcept>

using namespace bottle;

namespace {

using Words = std::vector<std::string>;

const NamesOfBottles kNames = [] { return Words{"docs-reader", "docs-writer", "other"}; };

const PartsOfBottle kNoParts = [](const std::string&) -> Words { throw std::logic_error("the parts are asked for"); };

Words offered(const Words& words, const NamesOfBottles& names = kNames, const PartsOfBottle& parts = kNoParts) {
    Words all;
    for (const auto& candidate : complete(words, names, parts).words) all.push_back(candidate.word);
    return all;
}

/// Names must not be asked for where none may stand: our records would be opened for nothing.
const NamesOfBottles kNotAsked = []() -> Words { throw std::logic_error("the names are asked for"); };

}  // namespace

TEST_CASE("golden: what is offered for each command's options, with what they are") {
    std::string all;
    for (const auto& command : command_texts()) all += "$ bottle " + std::string(command.name) + " -\n" + candidate_lines(complete({command.name, "-"}, kNotAsked, kNoParts)) + "\n";
    check_golden("cli/completion-options.txt", all);
}

TEST_CASE("the first word is a command") {
    const auto all = offered({""}, kNotAsked);
    for (const auto& command : command_texts()) CHECK(std::find(all.begin(), all.end(), command.name) != all.end());
    CHECK(offered({"de"}, kNotAsked) == Words{"delete", "describe"});
    CHECK(offered({"he"}, kNotAsked) == Words{"help"});
    CHECK(offered({"--v"}, kNotAsked) == Words{"--version"});
    CHECK(offered({"help", "de"}, kNotAsked) == Words{"delete", "describe"});
    CHECK(offered({"help", "apply", ""}, kNotAsked).empty());
    CHECK(offered({"frobnicate", ""}, kNotAsked).empty());
    CHECK(offered({}, kNotAsked).empty());
}

TEST_CASE("names stand where a command takes them, and so many as it takes") {
    const Words all = kNames();
    for (const char* command : {"diff", "plan", "apply", "delete", "exec", "verify", "get", "describe", "status", "wait", "events", "history", "explain", "logs", "proof", "env"}) {
        INFO(command);
        CHECK(offered({command, ""}) == all);
    }
    for (const char* command : {"validate", "config", "schema", "version"}) CHECK(offered({command, ""}, kNotAsked).empty());
    CHECK(offered({"describe", "docs"}) == Words{"docs-reader", "docs-writer"});
    CHECK(offered({"describe", "other", ""}, kNotAsked).empty());
    CHECK(offered({"get", "other", ""}) == Words{"docs-reader", "docs-writer"});
    CHECK(offered({"logs", "-f", "o"}) == Words{"other"});
    CHECK(offered({"diff", "-f", "a.yaml", ""}, kNotAsked).empty());
    CHECK(offered({"diff", "--file=a.yaml", ""}, kNotAsked).empty());
    CHECK(offered({"events", "--since", "1h", "--no-color", "o"}) == Words{"other"});
    CHECK(offered({"completion", ""}, kNotAsked) == completion_shells());
    CHECK(offered({"completion", "bash", ""}, kNotAsked).empty());
}

TEST_CASE("what the guest runs is none of ours") {
    CHECK(offered({"exec", "other", ""}, kNotAsked) == Words{"--"});
    CHECK(offered({"exec", "other", "--", ""}, kNotAsked).empty());
    CHECK(offered({"exec", "other", "--", "ls", "-"}, kNotAsked).empty());
}

TEST_CASE("values of options") {
    CHECK(offered({"get", "-o", ""}, kNotAsked) == Words{"text", "wide", "json", "yaml", "name"});
    CHECK(offered({"diff", "--output", "j"}, kNotAsked) == Words{"json"});
    CHECK(offered({"diff", "--output=j"}, kNotAsked) == Words{"--output=json"});
    CHECK(offered({"diff", "--frobnicate=j"}, kNotAsked).empty());
    CHECK(offered({"diff", "--no-color=j"}, kNotAsked).empty());
    CHECK(offered({"apply", "--progress", ""}, kNotAsked) == Words{"auto", "tty", "plain", "json", "none"});
    CHECK(complete({"plan", "--out", ""}, kNotAsked, kNoParts).files);
    CHECK(complete({"apply", ""}, kNames, kNoParts).files);
    CHECK_FALSE(complete({"delete", ""}, kNames, kNoParts).files);
    CHECK(offered({"wait", "--for", "condition=Con"}, kNotAsked) == Words{"condition=Confined"});
    CHECK(offered({"wait", "--for=d"}, kNotAsked) == Words{"--for=delete"});
    CHECK(offered({"apply", "--timeout", ""}, kNotAsked).empty());
    CHECK(offered({"apply", "--t"}, kNotAsked) == Words{"--timeout"});
    CHECK(offered({"diff", "-o", "json", "o"}) == Words{"other"});
}

TEST_CASE("behind a bottle's name and a / stand the parts that have a log") {
    const PartsOfBottle parts = [](const std::string& bottle) { return bottle == "docs-writer" ? Words{"machine", "egress", "e$(id)"} : Words{}; };
    CHECK(offered({"logs", "docs-writer/"}, kNotAsked, parts) == Words{"docs-writer/machine", "docs-writer/egress"});
    CHECK(offered({"logs", "-f", "docs-writer/e"}, kNotAsked, parts) == Words{"docs-writer/egress"});
    CHECK(offered({"logs", "other/"}, kNotAsked, parts).empty());
    CHECK(offered({"logs", "$(id)/"}, kNotAsked).empty());
    CHECK(offered({"logs", "docs-writer", "docs-writer/"}, kNames).empty());
    CHECK(offered({"status", "docs-writer/"}, kNames).empty());
}

TEST_CASE("files stand behind -f, where that is no --follow") {
    for (const auto& words : {Words{"diff", "-f", ""}, Words{"apply", "--file", "a"}, Words{"apply", "-f", "a.yaml", "--file=b"}}) {
        const auto all = complete(words, kNotAsked, kNoParts);
        CHECK(all.files);
        CHECK(all.words.empty());
        CHECK(candidate_lines(all) == ":files\n");
    }
    CHECK_FALSE(complete({"logs", "-f", ""}, kNames, kNoParts).files);
    CHECK_FALSE(complete({"diff", "-f", "a.yaml", ""}, kNames, kNoParts).files);
}

TEST_CASE("what is no bottle's name never comes to a shell, whoever wrote it into the records") {
    const Words hostile = {"$(touch made)", "`touch made`", "a;touch made", "a b", "a\nb", "a\tb", ":files", "-rf", "a'", "", "\xc3\xa9", "a\x1b[31m", "Docs", std::string(41, 'a'), "fine"};
    CHECK(offered({"describe", ""}, [&] { return hostile; }) == Words{"fine"});
}
