#include "cli/print_doctor.h"

#include "cli/json_parts.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

const char* word_of(Finding finding) {
    switch (finding) {
        case Finding::Good: return "ok";
        case Finding::Note: return "note";
        case Finding::Bad: return "BAD";
        case Finding::Unknown: return "unknown";
    }
    return "?";
}

Tone tone_of(Finding finding) {
    switch (finding) {
        case Finding::Good: return Tone::Good;
        case Finding::Bad: return Tone::Bad;
        case Finding::Note: return Tone::Plain;
        case Finding::Unknown: break;
    }
    return Tone::Doubt;
}

}  // namespace

std::string doctor_text(const std::vector<HostCheck>& checks, const Screen& screen) {
    std::string text;
    for (const auto& check : checks) {
        // Padded before it is painted: colour takes no column.
        text += screen.paint(tone_of(check.finding), fmt::format("{:<8}", word_of(check.finding))) + fmt::format("{:<11}{}\n", check.subject, check.reading);
        if (!check.hint.empty()) text += fmt::format("{:<19}{}\n", "", check.hint);
    }
    return text;
}

std::string doctor_json(const std::vector<HostCheck>& checks) {
    auto items = nlohmann::json::array();
    for (const auto& check : checks) {
        items.push_back({{"subject", check.subject}, {"finding", check.finding == Finding::Bad ? "bad" : word_of(check.finding)}, {"reading", check.reading}, {"hint", text_or_null(check.hint)}});
    }
    return dump({{"format", "bottle.doctor/v1"}, {"items", items}});
}

}  // namespace bottle
