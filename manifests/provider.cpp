#include "manifests/provider.h"

namespace bottle {
namespace {

constexpr const char* kSharedPrompt = "/etc/bottle/prompt.md";

}  // namespace

std::optional<Provider> provider_of(const std::string& word) {
    for (const auto provider : {Provider::None, Provider::Claude, Provider::Codex}) {
        if (word == name_of(provider)) return provider;
    }
    return std::nullopt;
}

const char* name_of(Provider provider) {
    switch (provider) {
        case Provider::None: return "none";
        case Provider::Claude: return "claude";
        case Provider::Codex: return "codex";
    }
    return "?";
}

std::string prompt_place(Provider provider) {
    return provider == Provider::Codex ? "~/.codex/AGENTS.md" : kSharedPrompt;
}

std::string skill_place(Provider provider, const std::string& name) {
    switch (provider) {
        case Provider::Claude: return "~/.claude/skills/" + name;
        case Provider::Codex: return "~/.agents/skills/" + name;
        case Provider::None: break;
    }
    return "/etc/bottle/skills/" + name;
}

std::vector<std::string> default_command(Provider provider, bool has_prompt) {
    if (provider == Provider::None) return {};
    std::vector<std::string> command = {name_of(provider)};
    if (provider == Provider::Claude && has_prompt) command.insert(command.end(), {"--append-system-prompt-file", kSharedPrompt});
    return command;
}

}  // namespace bottle
