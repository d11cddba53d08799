#pragma once

#include "manifests/manifest.h"

#include <string>
#include <vector>

// The prompt and the skills of an agent, as they are beside the manifest.
namespace bottle {

/// A file of which the guest gets a copy.
struct AgentFile {
    std::string path;  ///< beneath the skill's folder; of a prompt: "."
    bool executable = false;
    std::string content;

    bool operator==(const AgentFile&) const = default;
};

/// All of a prompt or a skill, or why there is nothing of it.
struct AgentFiles {
    std::vector<AgentFile> files;  ///< by their paths
    bool absent = false;           ///< there is no such file or folder
    std::string problem;           ///< not empty where it is not there, cannot be read, or is none
    std::string hint{};
};

/// The most that a prompt may have: it goes along with every request of the agent. As much as a manifest's longest texts.
inline constexpr std::size_t kMaxPrompt = 64UL * 1024;
/// The most that a skill may have, and in how many files: what a model reads, and small scripts. What is larger belongs into the root file system.
inline constexpr std::size_t kMaxSkill = 1UL << 20;
inline constexpr std::size_t kMaxSkillFiles = 256;

/// A regular file of text, beneath its folder by the rules of `open_beneath`.
AgentFiles read_prompt(const CopySpec& source);
/// A folder with a SKILL.md, and everything beneath it: regular files and folders alone, with names of plain text. Folders without a file are left out.
AgentFiles read_skill(const CopySpec& source);

/// `[a-z0-9]([a-z0-9-]*[a-z0-9])?`, of at most 64 characters (the format's limit: agentskills.io/specification, and codex's MAX_NAME_LEN).
bool is_skill_name(const std::string& name);

/// One text of all the files, another one for every change of them: of it the digest is taken, on the host and in the guest.
std::string copy_text(const std::vector<AgentFile>& files);
/// What stands in it, and on the way into the guest, before a file's content: "x 120 scripts/run\n", or "- …" where it is not executable.
std::string copy_header(const AgentFile& file);

}  // namespace bottle
