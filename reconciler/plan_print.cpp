#include "reconciler/plan.h"
#include "reconciler/problem_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

/// Columns, counted in code points so that "→" takes one place.
std::string padded(const std::string& text, std::size_t width) {
    const auto length = static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
    return length < width ? text + std::string(width - length, ' ') : text + " ";
}

std::string line_of(const Step& step) {
    constexpr std::size_t kKind = 11;
    constexpr std::size_t kResource = 31;
    constexpr std::size_t kDetail = 51;
    auto line = fmt::format("  {} {}{}{}{}", step.symbol, padded(step.kind, kKind), padded(printable(step.resource), kResource),
                            padded(printable(step.detail), kDetail), printable(step.cause));
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string cost_line(const Plan& plan, std::size_t lines) {
    auto worst = Cost::Nothing;
    for (const auto& step : plan.steps) worst = std::max(worst, step.cost);
    const auto count = fmt::format("{} step{}. ", lines, lines == 1 ? "" : "s");
    if (worst == Cost::Data) return count + "Data is lost: the machine's disks and the volumes go.\n";
    if (worst == Cost::Restart) return count + "The machine is restarted; its disks are kept.\n";
    return count + "Nothing of yours is lost.\n";
}

}  // namespace

const char* name_of(Cost cost) {
    switch (cost) {
        case Cost::Nothing: return "nothing";
        case Cost::Restart: return "restart";
        case Cost::Data: return "data";
    }
    return "?";
}

bool loses_data(const Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return step.cost == Cost::Data; });
}

std::string to_text(const Plan& plan) {
    auto text = "bottle " + plan.bottle;
    if (!plan.place.file.empty()) text += fmt::format("  ({}:{})", plan.place.file, plan.place.line);
    if (plan.empty()) return text + ": nothing to do\n";
    text += "\n";
    std::size_t lines = 0;
    for (const auto& step : plan.steps) {
        if (!step.part_of.empty()) continue;
        text += line_of(step);
        ++lines;
    }
    for (const auto& refusal : plan.refusals) {
        // The bottle's own place stands in the first line.
        const auto place = refusal.place && refusal.place != plan.place ? to_string(*refusal.place) + ": " : std::string();
        text += fmt::format("  refused: {}\n", printable(place + refusal.text));
        if (!refusal.hint.empty()) text += fmt::format("           {}\n", printable(refusal.hint));
    }
    if (plan.refusals.empty()) text += cost_line(plan, lines);
    return text;
}

std::string to_json(const Plan& plan) {
    nlohmann::json steps = nlohmann::json::array();
    for (const auto& step : plan.steps) {
        steps.push_back({{"id", step.id},
                         {"symbol", std::string(1, step.symbol)},
                         {"kind", step.kind},
                         {"resource", step.resource},
                         {"detail", step.detail},
                         {"cause", step.cause},
                         {"cost", name_of(step.cost)},
                         {"after", step.after},
                         {"partOf", step.part_of.empty() ? nlohmann::json() : nlohmann::json(step.part_of)}});
    }
    nlohmann::json refusals = nlohmann::json::array();
    for (const auto& refusal : plan.refusals) refusals.push_back(problem_json(refusal));
    const nlohmann::json document = {{"format", "bottle.plan/v1"}, {"bottle", plan.bottle}, {"steps", steps}, {"refusals", refusals}};
    return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace bottle
