#include "reconciler/events.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>

namespace bottle {
namespace {

struct Words {
    const char* done;
    const char* base;  ///< of "FailedCreate", as Kubernetes says it
};

/// By the first word of a step's id. What is "done" when a probe has run says nothing of what it found: that is a condition's business.
const std::map<std::string, Words> kWords = {
    {"create", {"Created", "Create"}},     {"remove", {"Removed", "Remove"}},         {"delete", {"Deleted", "Delete"}},     {"connect", {"Connected", "Connect"}},
    {"disconnect", {"Disconnected", "Disconnect"}}, {"import", {"Imported", "Import"}}, {"make", {"Made", "Make"}},          {"start", {"Started", "Start"}},
    {"stop", {"Stopped", "Stop"}},         {"machine", {"MachineSet", "SetMachine"}}, {"allowlist", {"AllowlistSet", "SetAllowlist"}}, {"firewall", {"FirewallSet", "SetFirewall"}},
    {"image", {"ImageCopied", "CopyImage"}}, {"claim", {"UidClaimed", "ClaimUid"}},   {"seal", {"Sealed", "Seal"}},          {"prove", {"Probed", "Probe"}},
    {"pause", {"Paused", "Pause"}},        {"resume", {"Resumed", "Resume"}},        {"provision", {"Provisioned", "Provision"}}, {"launch", {"Launched", "Launch"}},  {"forget", {"Forgotten", "Forget"}},
    {"grant", {"SecretGranted", "GrantSecret"}}, {"revoke", {"SecretRevoked", "RevokeSecret"}},
};

/// A word of a step that this version does not know, as Kubernetes would write it.
std::string camel_case(std::string word) {
    if (!word.empty()) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
    return word;
}

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words;
    std::istringstream stream(text);
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

/// "create container bottle-docs-infra" is about container/bottle-docs-infra, "start bottle-docs" about machine/bottle-docs.
std::string object_of(const std::vector<std::string>& step) {
    if (step.empty()) return "?";
    if (step.front() == "launch") return "workload/" + step.back();
    // "grant secret api-token → api.example.com as API_TOKEN"
    if (step.size() > 2 && step[1] == "secret") return "secret/" + step[2];
    if (step.size() == 2) return "machine/" + step.back();
    // A folder's own path begins with one.
    return step[step.size() - 2] + (step.back().starts_with("/") ? "" : "/") + step.back();
}

Event event_of(const JournalEntry& entry) {
    const auto step = words_of(entry.step);
    const auto verb = step.empty() ? std::string() : step.front();
    const auto known = kWords.find(verb);
    const auto done = known == kWords.end() ? camel_case(verb) : std::string(known->second.done);
    const auto base = known == kWords.end() ? camel_case(verb) : std::string(known->second.base);
    Event event{fmt::format("journal/{}/{}", entry.entry, entry.ended.empty() ? "begun" : "ended"), entry.bottle, entry.ended.empty() ? entry.begun : entry.ended,
                "Normal", done, object_of(step), entry.cause};
    if (entry.ended.empty()) {
        event.reason = "Begun" + base;
        event.message = entry.cause + "; no end is recorded";
    } else if (entry.result != "done") {
        event.type = "Warning";
        event.reason = (entry.result.starts_with("again later") ? "Waiting" : "Failed") + base;
        event.message = entry.result;
    }
    return event;
}

Event event_of(const Transition& change) {
    const bool good = change.status == "True" || change.reason == "Completed" || change.reason == "WorkloadRunningCompleted";
    auto message = fmt::format("{} is {}", change.type, change.status);
    if (!change.message.empty()) message += ": " + change.message;
    return {fmt::format("condition/{}", change.entry), change.bottle, change.time, good ? "Normal" : "Warning", change.reason.empty() ? change.type : change.reason,
            "bottle/" + change.bottle, message};
}

Event event_of(const Revision& revision) {
    return {fmt::format("applied/{}", revision.entry), revision.bottle, revision.time, "Normal", "Applied", "bottle/" + revision.bottle,
            fmt::format("the manifest of generation {} was applied", revision.generation)};
}

}  // namespace

std::vector<Event> events(const Records& records) {
    std::vector<Event> all;
    for (const auto& entry : records.journal) all.push_back(event_of(entry));
    for (const auto& revision : records.revisions) all.push_back(event_of(revision));
    for (const auto& change : records.transitions) all.push_back(event_of(change));
    // Of one second: what was done, then what it came to, as `apply` records them.
    std::stable_sort(all.begin(), all.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
    return all;
}

}  // namespace bottle
