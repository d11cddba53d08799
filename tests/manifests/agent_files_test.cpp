#include "manifests/agent_files.h"

#include "manifests/stored_manifest.h"
#include "tests/manifests/folder_of_files.h"
#include "tests/manifests/manifest_file.h"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace bottle;

namespace {

const std::string kSkill = "---\nname: review\ndescription: Reviews.\n---\n";

std::string with_agent(const std::string& agent) {
    return manifest_text({.agent = agent});
}

/// The first line of what is wrong with it; empty: nothing is.
std::string first_line(const FolderOfFiles& files) {
    const auto error = files.error({"bottle.yaml"});
    return error.substr(0, error.find('\n'));
}

CopySpec skill_at(const FolderOfFiles& files) {
    return {"review", std::filesystem::canonical(files.path()).string(), "skills/review", {}};
}

std::string problem_of(const FolderOfFiles& files) {
    const auto read = read_skill(skill_at(files));
    CHECK(read.files.empty());
    CHECK_FALSE(read.absent);
    return read.problem;
}

}  // namespace

TEST_CASE("a prompt and skills are found beneath the manifest, and come back from the records as they were") {
    const FolderOfFiles files{{"bottle.yaml", with_agent("provider: codex\n    prompt: ./prompt.md\n    skills: [./skills/review/, skills/lint]")},
                              {"prompt.md", "Write docs.\n"},
                              {"skills/review/SKILL.md", kSkill},
                              {"skills/lint/SKILL.md", kSkill}};
    const auto manifest = files.load_bottles({"bottle.yaml"}).bottles.front();
    const auto folder = std::filesystem::canonical(files.path()).string();
    REQUIRE(manifest.agent.prompt);
    CHECK(manifest.agent.prompt->name == "prompt.md");
    CHECK(manifest.agent.prompt->folder == folder);
    CHECK(manifest.agent.prompt->path == "./prompt.md");
    REQUIRE(manifest.agent.skills.size() == 2);
    CHECK(manifest.agent.skills[0].name == "review");
    CHECK(manifest.agent.skills[1].name == "lint");
    CHECK(manifest.agent.skills[1].place.line == 11);
    CHECK(manifest.agent.command == std::vector<std::string>{"codex"});
    const auto stored = from_stored_text(to_stored_text(manifest));
    CHECK(stored.agent.provider == Provider::Codex);
    CHECK(stored.agent.prompt == manifest.agent.prompt);
    CHECK(stored.agent.skills == manifest.agent.skills);
}

TEST_CASE("the provider's command stands in for one that is not named") {
    const auto command = [](const std::string& agent) {
        const FolderOfFiles files{{"bottle.yaml", with_agent(agent)}, {"prompt.md", "Write docs.\n"}};
        return files.load_bottles({"bottle.yaml"}).bottles.front().agent.command;
    };
    CHECK(command("provider: claude") == std::vector<std::string>{"claude"});
    CHECK(command("provider: claude\n    prompt: prompt.md") == std::vector<std::string>{"claude", "--append-system-prompt-file", "/etc/bottle/prompt.md"});
    CHECK(command("provider: codex\n    prompt: prompt.md") == std::vector<std::string>{"codex"});
    CHECK(command("provider: none\n    prompt: prompt.md").empty());
    CHECK(command("provider: claude\n    prompt: prompt.md\n    command: [claude, -p, go]") == std::vector<std::string>{"claude", "-p", "go"});
    CHECK(command("provider: claude\n    command: []").empty());
}

TEST_CASE("paths of a template are beneath its own folder, and a bottle's list of skills replaces the template's") {
    const std::string base = "apiVersion: bottle/v1\nkind: BottleTemplate\nspec:\n  machine: {image: {rootfs: .}}\n  agent: {prompt: prompt.md, skills: [skills/lint]}\n"
                             "  bundle: {containers: [{name: a, image: b}]}\n";
    const auto bottle = [](const std::string& agent) { return "apiVersion: bottle/v1\nkind: Bottle\nmetadata: {name: docs}\nspec:\n  extends: team/base.yaml\n  agent: " + agent + "\n"; };
    FolderOfFiles files{{"team/base.yaml", base}, {"team/prompt.md", "x"}, {"team/skills/lint/SKILL.md", kSkill}, {"mine/review/SKILL.md", kSkill}, {"bottle.yaml", bottle("{env: {A: b}}")}};
    auto agent = files.load_bottles({"bottle.yaml"}).bottles.front().agent;
    REQUIRE(agent.prompt);
    CHECK(agent.prompt->path == "team/prompt.md");
    REQUIRE(agent.skills.size() == 1);
    CHECK(agent.skills.front().path == "team/skills/lint");
    files.write("bottle.yaml", bottle("{prompt: \"\", skills: [mine/review]}"));
    agent = files.load_bottles({"bottle.yaml"}).bottles.front().agent;
    CHECK_FALSE(agent.prompt);
    REQUIRE(agent.skills.size() == 1);
    CHECK(agent.skills.front().path == "mine/review");
}

TEST_CASE("what is no prompt is refused at its line") {
    FolderOfFiles files{{"bottle.yaml", with_agent("prompt: ./prompt.md")}};
    CHECK(first_line(files) == "bottle.yaml:9:13: error: there is no file ./prompt.md");
    files.write("prompt.md", std::string(kMaxPrompt, 'a'));
    CHECK(first_line(files).empty());
    files.write("prompt.md", std::string(kMaxPrompt + 1, 'a'));
    CHECK(first_line(files) == "bottle.yaml:9:13: error: ./prompt.md has 65537 bytes, and a prompt at most 65536");
    files.write("prompt.md", std::string("a\0b", 3));
    CHECK(first_line(files) == "bottle.yaml:9:13: error: ./prompt.md is no text");
    std::filesystem::remove(files.path() + "/prompt.md");
    std::filesystem::create_directory(files.path() + "/prompt.md");
    CHECK(first_line(files) == "bottle.yaml:9:13: error: ./prompt.md cannot be read: it is no regular file");
    std::filesystem::remove(files.path() + "/prompt.md");
    REQUIRE(mkfifo((files.path() + "/prompt.md").c_str(), 0600) == 0);
    CHECK(first_line(files) == "bottle.yaml:9:13: error: ./prompt.md cannot be read: it is no regular file");
    std::filesystem::remove(files.path() + "/prompt.md");
    std::filesystem::create_symlink("/etc/passwd", files.path() + "/prompt.md");
    CHECK(first_line(files) == "bottle.yaml:9:13: error: ./prompt.md leads over a symlink");
    files.write("bottle.yaml", with_agent("prompt: ../prompt.md"));
    CHECK(first_line(files) == "bottle.yaml:9:13: error: ../prompt.md leads out of the manifest's folder");
}

TEST_CASE("what is no skill is refused at its line") {
    FolderOfFiles files{{"bottle.yaml", with_agent("skills: [./skills/review]")}};
    CHECK(first_line(files) == "bottle.yaml:9:14: error: there is no folder ./skills/review");
    files.write("skills/review/README.md", "x");
    CHECK(first_line(files) == "bottle.yaml:9:14: error: ./skills/review has no SKILL.md");
    for (const auto* name : {"Review", "code_review", "-review", "review-", ".."}) {
        INFO(name);
        files.write("bottle.yaml", with_agent("skills: [\"./skills/" + std::string(name) + "\"]"));
        CHECK(first_line(files).find("is no name for a skill") != std::string::npos);
    }
    files.write("skills/review/SKILL.md", kSkill);
    files.write("more/review/SKILL.md", kSkill);
    files.write("bottle.yaml", with_agent("skills: [skills/review, more/review]"));
    CHECK(first_line(files) == "bottle.yaml:9:29: error: skill review is also at bottle.yaml:9:14");
}

TEST_CASE("a skill's files are read whole, sorted, with what can be executed") {
    FolderOfFiles files{{"skills/review/SKILL.md", kSkill}, {"skills/review/scripts/run", "#!/bin/sh\n"}, {"skills/review/a-b", ""}};
    std::filesystem::permissions(files.path() + "/skills/review/scripts/run", std::filesystem::perms::owner_all);
    std::filesystem::create_directory(files.path() + "/skills/review/empty");
    const auto read = read_skill(skill_at(files));
    CHECK(read.problem.empty());
    CHECK(read.files == std::vector<AgentFile>{{"SKILL.md", false, kSkill}, {"a-b", false, ""}, {"scripts/run", true, "#!/bin/sh\n"}});
    CHECK(copy_text(read.files) == "- 43 SKILL.md\n" + kSkill + "- 0 a-b\n" + "x 10 scripts/run\n#!/bin/sh\n");
    std::filesystem::remove_all(files.path() + "/skills/review");
    CHECK(read_skill(skill_at(files)).absent);
}

TEST_CASE("a skill with anything but plain files and folders is none") {
    FolderOfFiles files{{"skills/review/SKILL.md", kSkill}};
    const auto path = files.path() + "/skills/review/more";
    SECTION("a symlink") {
        std::filesystem::create_symlink("SKILL.md", path);
        CHECK(problem_of(files) == "skills/review/more is a symlink");
    }
    SECTION("a symlink to a folder") {
        std::filesystem::create_directory_symlink("/etc", path);
        CHECK(problem_of(files) == "skills/review/more is a symlink");
    }
    SECTION("a FIFO") {
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        CHECK(problem_of(files) == "skills/review/more is neither a file nor a folder");
    }
    SECTION("a socket") {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        CHECK(problem_of(files).find("skills/review/more cannot be read: ") == 0);
        close(fd);
    }
    SECTION("a name that would turn the screen") {
        files.write("skills/review/a\x1b[31m", "x");
        CHECK(problem_of(files) == "skills/review/a\\x1B[31m has a name that is no plain text");
    }
    SECTION("too deep") {
        files.write("skills/review/1/2/3/4/5/6/7/8/ok", "x");
        CHECK(read_skill(skill_at(files)).problem.empty());
        files.write("skills/review/1/2/3/4/5/6/7/8/9/x", "x");
        CHECK(problem_of(files) == "skills/review/1/2/3/4/5/6/7/8/9 is more than 8 folders deep");
    }
    SECTION("too large") {
        files.write("skills/review/a", std::string(kMaxSkill - kSkill.size(), 'a'));
        CHECK(read_skill(skill_at(files)).problem.empty());
        files.write("skills/review/b", "b");
        CHECK(problem_of(files) == "skills/review has more than 1 MiB");
    }
    SECTION("too many files") {
        for (std::size_t i = 1; i < kMaxSkillFiles; ++i) files.write("skills/review/" + std::to_string(i), "");
        CHECK(read_skill(skill_at(files)).problem.empty());
        files.write("skills/review/one-more", "");
        CHECK(problem_of(files) == "skills/review has more than 256 files");
    }
}

TEST_CASE("a skill's name is what every agent takes for one") {
    for (const auto& name : {std::string("a"), std::string("code-review"), std::string("3d"), std::string("a--b"), std::string(64, 'a')}) CHECK(is_skill_name(name));
    for (const auto& name : {std::string(), std::string("-"), std::string("a-"), std::string("-a"), std::string("A"), std::string("a_b"), std::string("a.b"), std::string("a/b"), std::string("\xc3\xa4"), std::string(65, 'a')}) CHECK_FALSE(is_skill_name(name));
}
