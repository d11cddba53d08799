#include "reconciler/firewall.h"

#include "manifests/error.h"
#include "reconciler/strict_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

constexpr const char* kFamily = "inet";
constexpr const char* kChain = "output";
constexpr std::size_t kMaxListing = 1 << 20;
constexpr int kMaxDepth = 16;

json match(json left, json right) {
    return {{"match", {{"op", "=="}, {"left", std::move(left)}, {"right", std::move(right)}}}};
}

json of_uid(std::int64_t uid) {
    return match({{"meta", {{"key", "skuid"}}}}, uid);
}

json payload(const char* protocol, const char* field) {
    return {{"payload", {{"protocol", protocol}, {"field", field}}}};
}

json counter() {
    return {{"counter", {{"packets", 0}, {"bytes", 0}}}};
}

json rule(const std::string& table, json expressions) {
    return {{"rule", {{"family", kFamily}, {"table", table}, {"chain", kChain}, {"expr", std::move(expressions)}}}};
}

/// Everything in the table, as the kernel lists it: the table, its one chain, a rule for each port, and the rule for all the rest.
json contents(const FirewallRules& rules) {
    const auto table = firewall_table(rules.uid);
    json all = json::array();
    all.push_back({{"table", {{"family", kFamily}, {"name", table}}}});
    all.push_back({{"chain", {{"family", kFamily}, {"table", table}, {"name", kChain}, {"type", "filter"}, {"hook", "output"}, {"prio", 0}, {"policy", "accept"}}}});
    for (const int port : rules.ports) {
        all.push_back(rule(table, {of_uid(rules.uid), match(payload("ip", "daddr"), rules.address), match(payload("tcp", "dport"), port), counter(),
                                   {{"accept", nullptr}}}));
    }
    // Refused, and not dropped: a guest that tries is told at once, as by smolvm itself.
    all.push_back(rule(table, {of_uid(rules.uid), counter(), {{"reject", {{"type", "icmpx"}, {"expr", "port-unreachable"}}}}}));
    return all;
}

json table_command(const char* verb, std::int64_t uid) {
    return {{verb, {{"table", {{"family", kFamily}, {"name", firewall_table(uid)}}}}}};
}

std::string commands(json list) {
    return json{{"nftables", std::move(list)}}.dump();
}

/// The objects of a listing without what the kernel adds to them: handles, and counts.
json plain(const json& listing) {
    json objects = json::array();
    for (auto object : listing.at("nftables")) {
        if (object.contains("metainfo")) continue;
        for (auto& [kind, value] : object.items()) {
            value.erase("handle");
            if (kind != "rule") continue;
            for (auto& expression : value.at("expr")) {
                if (expression.contains("counter")) expression = counter();
            }
        }
        objects.push_back(std::move(object));
    }
    return objects;
}

std::string unexpected(const json& object) {
    const auto kind = object.is_object() && !object.empty() ? object.begin().key() : "thing";
    return fmt::format("a {} that bottle did not make: more may be reached", printable(kind));
}

/// What is not as it shall be when this one of the contents is not there.
std::string missing(const json& object, const FirewallRules& rules) {
    if (!object.contains("rule")) return "its chain does not look at what leaves the host";
    const auto& expressions = object.at("rule").at("expr");
    if (expressions.back().contains("reject")) return "nothing refuses the rest";
    return fmt::format("nothing lets {} tcp {} through", rules.address, expressions.at(2).at("match").at("right").get<int>());
}

struct Listing {
    json objects;
    std::string problem;
};

Listing read_listing(const std::string& text) {
    const auto parsed = parse_strict_json(text, kMaxListing, kMaxDepth);
    if (!parsed.problem.empty()) return {{}, parsed.problem};
    try {
        return {plain(parsed.value), {}};
    } catch (const json::exception&) {
        return {{}, "it is not what libnftables prints"};
    }
}

}  // namespace

std::string firewall_table(std::int64_t uid) {
    return fmt::format("bottle-{}", uid);
}

std::string firewall_commands(const FirewallRules& rules) {
    // Added first, so that there is something to delete; all of it is one transaction.
    json list = {table_command("add", rules.uid), table_command("delete", rules.uid)};
    for (auto& object : contents(rules)) list.push_back({{"add", std::move(object)}});
    return commands(std::move(list));
}

std::string firewall_removal(std::int64_t uid) {
    return commands({table_command("add", uid), table_command("delete", uid)});
}

std::string compare_firewall(const std::string& listing, const FirewallRules& rules) {
    const auto is = read_listing(listing);
    if (!is.problem.empty()) return "its rules cannot be read: " + is.problem;
    const auto want = contents(rules);
    for (const auto& object : is.objects) {
        if (std::find(want.begin(), want.end(), object) == want.end()) return unexpected(object);
    }
    for (const auto& object : want) {
        if (std::find(is.objects.begin(), is.objects.end(), object) == is.objects.end()) return missing(object, rules);
    }
    if (is.objects != want) return "its rules stand in another order, or twice";
    return {};
}

std::optional<FirewallTraffic> firewall_traffic(const std::string& listing) {
    const auto parsed = parse_strict_json(listing, kMaxListing, kMaxDepth);
    if (!parsed.problem.empty()) return std::nullopt;
    FirewallTraffic traffic;
    try {
        for (const auto& object : parsed.value.at("nftables")) {
            if (!object.contains("rule")) continue;
            std::uint64_t packets = 0;
            bool accepts = false;
            for (const auto& expression : object.at("rule").at("expr")) {
                if (expression.contains("counter")) packets = expression.at("counter").at("packets").get<std::uint64_t>();
                accepts = accepts || expression.contains("accept");
            }
            (accepts ? traffic.accepted : traffic.rejected) += packets;
        }
    } catch (const json::exception&) {
        return std::nullopt;
    }
    return traffic;
}

std::string to_text(const FirewallRules& rules) {
    return rules.ports.empty() ? "nothing" : fmt::format("{} tcp {}", rules.address, fmt::join(rules.ports, ", "));
}

}  // namespace bottle
