#include "reconciler/agent_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace bottle {
namespace {

void take_digest(const Snapshot& snapshot, AgentCopy& copy, Desired& desired) {
    const auto seen = snapshot.agent_files.find(host_path(copy.source));
    if (seen == snapshot.agent_files.end()) return;
    if (seen->second.present()) {
        copy.digest = *seen->second;
        return;
    }
    const auto why = seen->second.absent() ? fmt::format("{} is not there", printable(host_path(copy.source))) : seen->second.why();
    desired.problems.push_back({copy.source.place, fmt::format("{} of the agent: {}", copy.is_skill ? "a skill" : "the prompt", why), "", ""});
}

}  // namespace

std::string host_path(const CopySpec& source) {
    return (std::filesystem::path(source.folder) / source.path).lexically_normal().string();
}

std::string in_words(const AgentCopy& copy) {
    return (copy.is_skill ? "skill " : "") + printable(copy.source.name);
}

std::string in_words(const std::vector<AgentCopy>& copies) {
    std::vector<std::string> prompts;
    std::vector<std::string> skills;
    for (const auto& copy : copies) (copy.is_skill ? skills : prompts).push_back(printable(copy.source.name));
    if (!skills.empty()) prompts.push_back(fmt::format("skill{} {}", skills.size() == 1 ? "" : "s", fmt::join(skills, " ")));
    return fmt::format("{}", fmt::join(prompts, ", "));
}

std::vector<AgentCopy> copies_of(const AgentSpec& agent) {
    std::vector<AgentCopy> copies;
    if (agent.prompt) copies.push_back({*agent.prompt, false, prompt_place(agent.provider), ""});
    for (const auto& skill : agent.skills) copies.push_back({skill, true, skill_place(agent.provider, skill.name), ""});
    return copies;
}

void desire_agent_files(const Manifest& manifest, const Snapshot& snapshot, Desired& desired) {
    desired.copies = copies_of(manifest.agent);
    for (auto& copy : desired.copies) take_digest(snapshot, copy, desired);
}

std::string copies_doubt(const Desired& desired, const StoredState& stored) {
    std::vector<std::string> doubts;
    for (const auto& copy : desired.copies) {
        const auto copied = stored.copied.find(copy.target);
        if (copied == stored.copied.end()) doubts.push_back(in_words(copy) + " is not in the guest yet");
        else if (!copy.digest.empty() && copied->second != copy.digest) doubts.push_back(in_words(copy) + " changed since it was copied");
    }
    for (const auto& target : unwanted_copies(desired, stored)) doubts.push_back(printable(target) + " is not wanted any more");
    return fmt::format("{}", fmt::join(doubts, "; "));
}

std::vector<std::string> unwanted_copies(const Desired& desired, const StoredState& stored) {
    std::vector<std::string> unwanted;
    for (const auto& [target, digest] : stored.copied) {
        const bool wanted = std::any_of(desired.copies.begin(), desired.copies.end(), [&, &name = target](const AgentCopy& copy) { return copy.target == name; });
        if (!wanted) unwanted.push_back(target);
    }
    return unwanted;
}

}  // namespace bottle
