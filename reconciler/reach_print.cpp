#include "reconciler/reach.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

const char* name_of(Reached::End end) {
    switch (end) {
        case Reached::End::LetThrough: return "let through";
        case Reached::End::Stopped: return "stopped";
        case Reached::End::Doubtful: return "IN DOUBT";
        case Reached::End::InGuest: return "in the guest";
    }
    return "?";
}

/// ", by list and by firewall": those that stop it now, or would if a machine ran.
std::string stopped_by(const std::vector<Layer>& layers) {
    std::string text;
    for (const auto& layer : layers) {
        const bool holds = !layer.verdict || *layer.verdict == Verdict::Holds;
        if (!layer.lets_through && holds) text += (text.empty() ? ", by " : " and by ") + layer.by;
    }
    return text;
}

std::string end_text(const Reached& reach) {
    switch (reach.end) {
        case Reached::End::LetThrough: return "let through";
        case Reached::End::Stopped: return reach.layers.empty() ? "stopped: the mode is refused, and nothing is made in it" : "stopped" + stopped_by(reach.layers);
        case Reached::End::Doubtful: return "IN DOUBT: nothing that stops it is known to hold now";
        case Reached::End::InGuest: return "it never leaves the guest";
    }
    return "?";
}

const char* state_of(const Layer& layer) {
    return layer.by == "guest" ? "" : layer.verdict ? name_of(*layer.verdict) : "not running";
}

}  // namespace

std::string to_text(const Target& target) {
    return target.kind == Target::Kind::Ipv6 ? fmt::format("[{}]:{}", target.host, target.port) : fmt::format("{}:{}", target.host, target.port);
}

std::string to_text(const Reached& reach) {
    auto text = "bottle " + reach.bottle;
    if (!reach.place.file.empty()) text += fmt::format("  ({}:{})", printable(reach.place.file), reach.place.line);
    text += fmt::format("\n  tcp {}: {}\n", to_text(reach.target), end_text(reach));
    for (const auto& layer : reach.layers) {
        text += fmt::format("  {:<10}  {:<12}  {:<11}  {}\n", layer.by, layer.lets_through ? "lets through" : "stops", state_of(layer), printable(layer.rule));
        if (!layer.doubt.empty()) text += fmt::format("{:41}{}\n", "", printable(layer.doubt));
    }
    if (!reach.way_out.empty()) text += fmt::format("  way out: {}\n", printable(reach.way_out));
    return text;
}

std::string to_json(const Reached& reach) {
    json layers = json::array();
    for (const auto& layer : reach.layers) {
        layers.push_back({{"by", layer.by},
                          {"letsThrough", layer.lets_through},
                          {"rule", layer.rule},
                          {"state", layer.by == "guest" ? json() : json(state_of(layer))},
                          {"doubt", layer.doubt.empty() ? json() : json(layer.doubt)}});
    }
    const json document = {{"format", "bottle.reach/v1"},
                           {"bottle", reach.bottle},
                           {"target", {{"protocol", "tcp"}, {"host", reach.target.host}, {"port", reach.target.port}}},
                           {"end", name_of(reach.end)},
                           {"layers", layers},
                           {"wayOut", reach.way_out.empty() ? json() : json(reach.way_out)}};
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace bottle
