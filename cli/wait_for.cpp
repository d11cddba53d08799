#include "cli/wait_for.h"

#include "cli/json_parts.h"
#include "schema/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

constexpr std::chrono::milliseconds kBetween{500};

std::string checked(const std::string& what, const std::string& word, const std::vector<std::string>& words) {
    if (std::find(words.begin(), words.end(), word) != words.end()) return word;
    const auto meant = nearest_word(word, words);
    throw Error(Exit::Usage, fmt::format("--for: there is no {} {}", what, printable(word)),
                fmt::format("{}there are: {}", meant.empty() ? "" : "did you mean " + meant + "? ", fmt::join(words, ", ")));
}

/// True: it is as wanted. Throws what waiting any longer cannot change.
bool look_once(const WaitFor& wanted, const LookAt& look, Waited& waited) {
    const auto conditions = look(waited.bottle);
    if (wanted.gone) {
        waited.last = "it is still there";
        return !conditions;
    }
    if (!conditions) throw Error(Exit::Failed, "it is gone");
    const auto& seen = condition(*conditions, wanted.type);
    waited.last = fmt::format("{} is {}{}{}", seen.type, seen.status, seen.message.empty() ? "" : ": ", seen.message);
    return seen.status == wanted.status;
}

}  // namespace

const std::vector<std::string>& condition_types() {
    static const std::vector<std::string> kTypes = {"Accepted", "NetworkReady", "BundleReady", "MachineReady", "Confined", "Provisioned", "WorkloadRunning", "Ready"};
    return kTypes;
}

WaitFor parse_wait_for(const std::string& text) {
    constexpr std::string_view kCondition = "condition=";
    WaitFor wanted;
    wanted.text = text;
    wanted.gone = text == "delete";
    if (wanted.gone) return wanted;
    if (!text.starts_with(kCondition)) {
        throw Error(Exit::Usage, fmt::format("--for={} is nothing that can be waited for", printable(text)), "write --for=condition=Ready, --for=condition=Confined=False, or --for=delete");
    }
    const auto rest = text.substr(kCondition.size());
    const auto equals = rest.find('=');
    wanted.type = checked("condition", rest.substr(0, equals), condition_types());
    if (equals != std::string::npos) wanted.status = checked("status", rest.substr(equals + 1), {"True", "False", "Unknown"});
    return wanted;
}

WaitResult wait_until(const WaitFor& wanted, const std::vector<std::string>& bottles, const LookAt& look, Clock& clock, std::chrono::milliseconds timeout) {
    const auto end = clock.now() + timeout;
    WaitResult result;
    for (const auto& bottle : bottles) result.bottles.push_back({bottle, false, {}});
    for (;;) {
        for (auto& waited : result.bottles) {
            try {
                if (!waited.met) waited.met = look_once(wanted, look, waited);
            } catch (const Error& error) {
                waited.last = error.what();
                result.exit = error.exit();
            }
        }
        const bool all = std::all_of(result.bottles.begin(), result.bottles.end(), [](const Waited& waited) { return waited.met; });
        if (all || result.exit != Exit::Ok) return result;
        if (clock.interrupted()) result.exit = Exit::Interrupted;
        else if (clock.now() >= end) result.exit = Exit::Timeout;
        else clock.sleep(std::min(kBetween, end - clock.now()));
        if (result.exit != Exit::Ok) return result;
    }
}

std::string wait_text(const WaitFor& wanted, const WaitResult& result) {
    std::string text;
    for (const auto& waited : result.bottles) {
        if (waited.met) text += wanted.gone ? fmt::format("bottle {}: deleted\n", waited.bottle) : fmt::format("bottle {}: {} met\n", waited.bottle, wanted.text);
    }
    return text;
}

std::string wait_json(const WaitFor& wanted, const WaitResult& result) {
    nlohmann::json items = nlohmann::json::array();
    for (const auto& waited : result.bottles) items.push_back({{"name", waited.bottle}, {"met", waited.met}, {"last", text_or_null(waited.met ? "" : waited.last)}});
    return dump({{"format", "bottle.wait/v1"}, {"for", wanted.text}, {"items", items}});
}

std::vector<Problem> wait_problems(const WaitFor& wanted, const WaitResult& result) {
    const char* why = result.exit == Exit::Timeout ? "not in time" : result.exit == Exit::Interrupted ? "interrupted" : "failed";
    std::vector<Problem> problems;
    for (const auto& waited : result.bottles) {
        if (waited.met) continue;
        problems.push_back({{}, fmt::format("bottle {}: {} {}: {}", waited.bottle, wanted.text, why, printable(waited.last)),
                            (result.exit == Exit::Failed ? "bottle events " : "bottle describe ") + waited.bottle, ""});
    }
    return problems;
}

}  // namespace bottle
