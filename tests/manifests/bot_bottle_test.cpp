#include "manifests/bot_bottle.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace bottle;

namespace {

std::string all_of(const Imported& imported) {
    std::string text;
    for (const auto& file : imported.files) text += fmt::format("== {}\n{}", file.name, file.text);
    text += "== report\n";
    for (const auto& line : imported.report) text += line + "\n";
    text += "== policy\n";
    for (const auto& line : imported.policy) text += line + "\n";
    return text + (imported.problems.empty() ? "" : render(Error(Exit::Usage, imported.problems)));
}

MarkdownFile bottle_file(const std::string& name, const std::string& keys) {
    return {"/home/me/.bot-bottle/bottles/" + name + ".md", "---\n" + keys + "---\n"};
}

MarkdownFile agent_file(const std::string& name, const std::string& keys, const std::string& body = {}) {
    return {"/home/me/.bot-bottle/agents/" + name + ".md", "---\n" + keys + "---\n" + body};
}

std::string problem_of(const std::vector<MarkdownFile>& bottles, const std::vector<MarkdownFile>& agents = {agent_file("docs", "bottle: base\n")}) {
    const auto imported = import_bot_bottle(bottles, agents);
    REQUIRE(imported.problems.size() == 1);
    return imported.problems.front().text;
}

}  // namespace

TEST_CASE("golden: what bot-bottle's bottles and agents become") {
    const auto base = bottle_file("base", R"(env:
  EDITOR: vi
  API_TOKEN: ${API_TOKEN}
  PASSPHRASE: "?Passphrase of the key"
agent_provider: {template: claude, dockerfile: Dockerfile.claude, auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN}
egress:
  routes:
    - host: api.example.com
      auth: {scheme: Bearer, token_ref: API_KEY}
      matches: [{path: {prefix: /v1/}, methods: [GET]}]
    - host: pypi.example.org
      dlp: {outbound_on_match: block}
    - host: two.example.org
      matches: [{path: {exact: /a}}, {path: {exact: /b}}]
git-gate:
  user: {name: Sam, email: sam@example.com}
  repos:
    docs: {url: "ssh://git.example.com/docs", host_key: abc, key: {provider: static}}
)");
    const auto child = bottle_file("writer", "extends: base\nenv: {EDITOR: nano, LANG: C.UTF-8}\nsupervise: false\ngit-gate: {}\n");
    const auto agents = {agent_file("docs", "bottle: writer\nskills: [review]\nmodel: opus\n", "You write docs.\n"), agent_file("free", "description: no bottle\n"),
                         MarkdownFile{"/home/me/.bot-bottle/agents/Not A Name.md", "---\n---\n"}};
    check_golden("import/bot-bottle.txt", all_of(import_bot_bottle({base, child}, agents)));
}

TEST_CASE("import: a circle, a parent that is not there and an unknown key are named, with the chain") {
    CHECK(problem_of({bottle_file("base", "extends: other\n"), bottle_file("other", "extends: base\n")}) == "bottles extend each other in a circle: base → other → base");
    CHECK(problem_of({bottle_file("base", "extends: base\n")}) == "bottles extend each other in a circle: base → base");
    CHECK(problem_of({bottle_file("base", "extends: gone\n")}) == "there is no such bottle: base → gone");
    CHECK(problem_of({}) == "there is no such bottle: base");
    CHECK(problem_of({bottle_file("base", "egres: {}\n")}) == "unknown key egres");
    CHECK(problem_of({{"/b/base.md", "no front matter\n"}}) == "there is no YAML between two lines ---");
    CHECK(problem_of({bottle_file("base", "- a\n")}) == "it is no mapping of keys");
    CHECK(problem_of({bottle_file("base", "supervise: true\n"), {"/other/base.md", "---\n---\n"}}).rfind("bottle base is there twice", 0) == 0);
}

TEST_CASE("import: an explicit empty value of the child clears the parent's") {
    const auto base = bottle_file("base", "env: {A: a}\negress: {routes: [{host: a.example.com}]}\n");
    const auto child = bottle_file("child", "extends: base\negress: {routes: []}\n");
    const auto imported = import_bot_bottle({base, child}, {agent_file("docs", "bottle: child\n")});
    CHECK(imported.problems.empty());
    CHECK(imported.files.front().text.find("a.example.com") == std::string::npos);
    CHECK(imported.files.front().text.find("A: a") != std::string::npos);
}
