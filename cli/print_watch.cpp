#include "cli/print_watch.h"

#include "cli/json_parts.h"
#include "reconciler/problem_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using Status = WatchNews::Status;

const char* word_of(Status status) {
    switch (status) {
        case Status::Ready: return "Ready";
        case Status::NotReady: return "NotReady";
        case Status::Paused: return "Paused";
        case Status::NotNamed: return "NotNamed";
        case Status::Deleted: return "Deleted";
        case Status::NotDeleted: return "NotDeleted";
        case Status::NotRead: return "NotRead";
    }
    return "?";
}

std::string steps_text(std::size_t steps) {
    return steps == 0 ? "nothing to do" : fmt::format("{} step{}", steps, steps == 1 ? "" : "s");
}

std::string next_text(const WatchNews& news) {
    return news.next ? fmt::format(", tried again in {} s", std::chrono::duration_cast<std::chrono::seconds>(*news.next).count()) : "";
}

std::string what_is(const WatchNews& news) {
    switch (news.status) {
        case Status::Ready: return fmt::format("Ready ({})", steps_text(news.steps));
        case Status::NotReady: return "not Ready" + next_text(news);
        case Status::Paused: return "paused: bottle resume lets it go on";
        case Status::NotNamed: return "in no manifest any more: left as it is, and stopped only where it is not confined";
        case Status::Deleted: return fmt::format("deleted ({})", steps_text(news.steps));
        case Status::NotDeleted: return "in no manifest any more, and not deleted" + next_text(news);
        case Status::NotRead: break;
    }
    return "what was read before stays in force";
}

}  // namespace

std::string watch_line(const WatchNews& news) {
    return fmt::format("{} {}{}\n", news.time, news.bottle.empty() ? "" : "bottle " + news.bottle + ": ", what_is(news));
}

std::string watch_json(const WatchNews& news) {
    nlohmann::json problems = nlohmann::json::array();
    for (const auto& problem : news.problems) problems.push_back(problem_json(problem));
    nlohmann::ordered_json line = {{"format", "bottle.watch/v1"}, {"time", news.time}, {"bottle", text_or_null(news.bottle)}, {"status", word_of(news.status)}, {"steps", news.steps}, {"problems", problems}};
    line["nextTrySeconds"] = news.next ? nlohmann::ordered_json(static_cast<double>(news.next->count()) / 1000) : nlohmann::ordered_json();
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace bottle
