#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// Whose agent it is: what its command is where the manifest names none, and where it looks for its prompt and its skills.
enum class Provider { None, Claude, Codex };

/// "none", "claude", "codex"; nothing for another word.
std::optional<Provider> provider_of(const std::string& word);
const char* name_of(Provider provider);

// Places in the guest. "~" is the home of machine.user, as the guest's /etc/passwd has it.
//
// Claude Code: `--append-system-prompt-file FILE` (2.1.332, run here: without -p, too; where FILE is not there it ends with 1), and a user's own skills in
// ~/.claude/skills/NAME/SKILL.md (code.claude.com/docs/en/skills). It has no place in a home of which it takes a system prompt by itself.
// Codex: ~/.codex/AGENTS.md (developers.openai.com/codex/guides/agents-md, "Global scope"), and ~/.agents/skills/NAME/SKILL.md (openai/codex 033d1d07,
// codex-rs/core-skills/src/loader.rs, which reads ~/.codex/skills, too, and calls that deprecated).

/// Where the prompt is: of Claude Code, whose command has to name it, and of an agent of no provider, at one place for every user of the guest.
std::string prompt_place(Provider provider);
/// The folder of the skill of that name.
std::string skill_place(Provider provider, const std::string& name);

/// The command of a manifest that names none: argv. Empty: no provider, and so no command. Both agents want a terminal then: without one they end with 1.
std::vector<std::string> default_command(Provider provider, bool has_prompt);

}  // namespace bottle
