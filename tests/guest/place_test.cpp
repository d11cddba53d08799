#include "controllers/guest/guest_controller.h"
#include "controllers/guest/probe/embedded.h"
#include "controllers/state/digest.h"
#include "tests/guest/temp_folder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

// The agent's files by the real static program: in a root of the test's own, where it is root and there is a user node.
using namespace bottle;
namespace fs = std::filesystem;

namespace {

constexpr const char* kNonce = "0123456789abcdef";
constexpr int kNode = 4711;

std::string text_of(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

std::string part(const std::string& target, const std::vector<AgentFile>& files) {
    std::string text = "place " + target + "\n";
    for (const auto& file : files) text += "file " + copy_header(file) + file.content;
    return text;
}

/// A guest's root file system, in which the program runs as root; it needs root here, too.
struct Root {
    TempFolder folder;

    Root() {
        chmod(folder.path().c_str(), 0755);
        fs::create_directories(path("etc"));
        std::ofstream(path("etc/passwd")) << "root:x:0:0:root:/root:/bin/sh\nnode:x:" << kNode << ":" << kNode << ":node:/srv/homes/node:/bin/sh\nadrift:x:1:1:::\n";
    }
    fs::path path(const std::string& inside) const { return folder.path() + "/" + inside; }

    ProcessResult place(const std::string& archive, const std::string& user = "node") const {
        std::ofstream(path("archive"), std::ios::binary) << archive;
        std::ofstream(path("probe"), std::ios::binary) << embedded_probe();
        fs::permissions(path("probe"), fs::perms::owner_all);
        ProcessRequest request;
        request.argv = {"/usr/sbin/chroot", folder.path(), "/probe", "place", kNonce, user, "/archive"};
        const auto result = SystemProcessRunner().run(request);
        CHECK_FALSE(fs::exists(path("archive")));
        return result;
    }
};

struct stat info_of(const fs::path& path) {
    struct stat info {};
    CHECK(lstat(path.c_str(), &info) == 0);
    return info;
}

const std::vector<AgentFile> kSkill = {{"SKILL.md", false, "what it does\n"}, {"scripts/run", true, std::string("#!/bin/sh\0\xff\n", 12)}, {"empty", false, ""}};
const std::vector<AgentFile> kPrompt = {{".", false, "Write docs.\n"}};

}  // namespace

TEST_CASE("the agent's files come to their places, root's as root's and the user's as the user's, and are read again there") {
    if (geteuid() != 0) return;
    const Root root;
    const auto run = root.place(part("/etc/bottle/prompt.md", kPrompt) + part("~/.claude/skills/review", kSkill) + "end\n");
    CHECK(run.err.empty());
    CHECK(run.code == 0);
    // Of more than one block, and of less: by another implementation.
    CHECK(run.out == std::string(kNonce) + " 1 " + sha256_hex(copy_text(kPrompt)) + "\n" + kNonce + " 2 " + sha256_hex(copy_text(kSkill)) + "\n" + kNonce + " end 2\n");
    CHECK(text_of(root.path("etc/bottle/prompt.md")) == "Write docs.\n");
    CHECK(info_of(root.path("etc/bottle/prompt.md")).st_uid == 0);
    CHECK((info_of(root.path("etc/bottle/prompt.md")).st_mode & 07777) == 0644);
    const auto skill = root.path("srv/homes/node/.claude/skills/review");
    CHECK(text_of(skill / "scripts/run") == kSkill[1].content);
    CHECK((info_of(skill / "scripts/run").st_mode & 07777) == 0755);
    CHECK((info_of(skill / "SKILL.md").st_mode & 07777) == 0644);
    for (const auto& path : {root.path("srv/homes/node"), root.path("srv/homes/node/.claude"), skill, skill / "scripts", skill / "scripts/run"}) {
        INFO(path);
        CHECK(info_of(path).st_uid == kNode);
        CHECK(info_of(path).st_gid == kNode);
        CHECK((info_of(path).st_mode & 0777) == (fs::is_directory(path) || path.filename() == "run" ? 0755 : 0644));
    }
    CHECK(info_of(root.path("srv/homes")).st_uid == 0);
    // Nothing is left beside them.
    CHECK(std::distance(fs::directory_iterator(skill.parent_path()), fs::directory_iterator()) == 1);
}

TEST_CASE("digests of every length around a block are those of the host") {
    if (geteuid() != 0) return;
    const Root root;
    for (const std::size_t size : {0U, 1U, 40U, 41U, 42U, 49U, 50U, 51U, 52U, 55U, 56U, 63U, 64U, 65U, 8191U, 8192U, 8193U, 100'000U}) {
        const std::vector<AgentFile> file = {{".", false, std::string(size, 'x')}};
        INFO(size);
        CHECK(root.place(part("/etc/bottle/prompt.md", file) + "end\n").out == std::string(kNonce) + " 1 " + sha256_hex(copy_text(file)) + "\n" + kNonce + " end 1\n");
    }
}

TEST_CASE("what was there goes, whole, and what is not wanted any more") {
    if (geteuid() != 0) return;
    const Root root;
    const auto skills = root.path("srv/homes/node/.claude/skills");
    CHECK(root.place(part("/etc/bottle/prompt.md", kPrompt) + part("~/.claude/skills/review", kSkill) + part("~/.claude/skills/lint", kSkill) + "end\n").code == 0);
    std::ofstream(skills / "review/of-the-agent") << "x";
    const auto run = root.place(part("/etc/bottle/prompt.md", {}) + part("~/.claude/skills/review", {kSkill[0]}) + part("~/.claude/skills/lint", {}) + "end\n");
    CHECK(run.out == std::string(kNonce) + " 1 -\n" + kNonce + " 2 " + sha256_hex(copy_text({kSkill[0]})) + "\n" + kNonce + " 3 -\n" + kNonce + " end 3\n");
    CHECK_FALSE(fs::exists(root.path("etc/bottle/prompt.md")));
    CHECK(std::distance(fs::directory_iterator(skills / "review"), fs::directory_iterator()) == 1);
    CHECK_FALSE(fs::exists(skills / "lint"));
    // A file takes a folder's place, and a folder a file's.
    CHECK(root.place(part("~/.claude/skills/review", kPrompt) + "end\n").code == 0);
    CHECK(fs::is_regular_file(skills / "review"));
    CHECK(root.place(part("~/.claude/skills/review", kSkill) + "end\n").code == 0);
    CHECK(fs::is_directory(skills / "review"));
}

TEST_CASE("a link that the agent has put in its home leads root nowhere") {
    if (geteuid() != 0) return;
    const Root root;
    const auto home = root.path("srv/homes/node");
    fs::create_directories(home);
    fs::create_directories(root.path("etc/private"));
    chown(home.c_str(), kNode, kNode);
    SECTION("in the place itself: the link goes") {
        fs::create_directories(home / ".claude/skills");
        for (const auto& path : {home / ".claude", home / ".claude/skills"}) chown(path.c_str(), kNode, kNode);
        fs::create_symlink("/etc/private", home / ".claude/skills/review");
        CHECK(root.place(part("~/.claude/skills/review", kSkill) + "end\n").code == 0);
        CHECK(fs::is_directory(fs::symlink_status(home / ".claude/skills/review")));
    }
    SECTION("above it: the user may not write there") {
        fs::create_symlink("/etc/private", home / ".claude");
        const auto run = root.place(part("~/.claude/skills/review", kSkill) + "end\n");
        CHECK(run.code == 1);
        CHECK(run.out.empty());
        CHECK(run.err.find("cannot make ") != std::string::npos);
    }
    CHECK(fs::is_empty(root.path("etc/private")));
}

TEST_CASE("root's own home, and an archive or a user that is none") {
    if (geteuid() != 0) return;
    const Root root;
    CHECK(root.place(part("~/.codex/AGENTS.md", kPrompt) + "end\n", "root").code == 0);
    CHECK(text_of(root.path("root/.codex/AGENTS.md")) == "Write docs.\n");
    CHECK(root.place("end\n").out == std::string(kNonce) + " end 0\n");
    for (const auto* user : {"nobody", "adrift"}) {
        const auto run = root.place(part("~/a", kPrompt) + "end\n", user);
        CHECK(run.code == 1);
        CHECK(run.err == std::string("bottle-probe: /etc/passwd has no user ") + user + " with a home\n");
    }
    for (const std::string archive : {"", "place /a\n", "file - 1 .\nxend\n", "place /a\nfile y 1 .\nxend\n", "place /a\nfile - 5 .\nxend\n", "place a\nend\n", "place /a\nfile - -1 .\nend\n", "rubbish\n"}) {
        INFO(archive);
        CHECK(root.place(archive).code == 1);
        CHECK(std::distance(fs::directory_iterator(root.folder.path()), fs::directory_iterator()) == 3);  // etc, root, and the program, which finds no /proc there
    }
}
