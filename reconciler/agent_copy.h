#pragma once

#include "manifests/manifest.h"

#include <string>
#include <vector>

namespace bottle {

/// A prompt or a skill of the repository, and the guest's copy of it.
struct AgentCopy {
    CopySpec source;
    bool is_skill = false;
    std::string target;  ///< in the guest: "~/.claude/skills/review", or absolute; "~" is the home of the machine's user
    std::string digest;  ///< SHA-256 of its `copy_text`, as the look found it; empty: it was not read

    bool operator==(const AgentCopy&) const = default;
};

/// "prompt.md", "skill review".
std::string in_words(const AgentCopy& copy);
/// "prompt.md, skills lint review"; empty for none.
std::string in_words(const std::vector<AgentCopy>& copies);

/// What a manifest's agent wants copies of, without digests: the prompt first.
std::vector<AgentCopy> copies_of(const AgentSpec& agent);

/// By this a look knows them: the whole path on the host.
std::string host_path(const CopySpec& source);

}  // namespace bottle
