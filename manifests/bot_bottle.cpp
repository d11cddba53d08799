#include "manifests/bot_bottle.h"

#include "manifests/agent_files.h"
#include "manifests/bot_bottle_files.h"
#include "manifests/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace bottle {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

const std::vector<std::string> kBottleKeys = {"env", "extends", "agent_provider", "git", "git-gate", "egress", "supervise"};
/// The last five are what lets the same file be a sub-agent of Claude Code: they say nothing of the sandbox.
const std::vector<std::string> kAgentKeys = {"bottle", "skills", "git-gate", "name", "description", "model", "color", "memory"};

/// "API_TOKEN" as a secret of the host policy is named: "api-token".
std::string secret_name(const std::string& variable) {
    std::string name;
    for (const char c : variable) name += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name;
}

/// NAME of "${NAME}"; empty for any other text.
std::string host_variable(const std::string& value) {
    if (value.size() < 4 || value.rfind("${", 0) != 0 || value.back() != '}') return {};
    return value.substr(2, value.size() - 3);
}

/// What a secret is for, as the policy has it.
struct Wanted {
    std::string variable;
    std::vector<std::string> bottles;
    std::vector<std::string> hosts;
};

class Converter {
public:
    Converter(std::string agent, Imported& imported, std::map<std::string, Wanted>& secrets) : agent_(std::move(agent)), imported_(imported), secrets_(secrets) {}

    ordered_json manifest(const json& bottle, const FrontMatter& file) {
        ordered_json document = {{"apiVersion", "bottle/v1"}, {"kind", "Bottle"}, {"metadata", {{"name", agent_}}}};
        auto& spec = document["spec"];
        spec["machine"]["image"]["rootfs"] = fmt::format("./{}-rootfs", agent_);
        tell(fmt::format("machine.image: write docker: NAME:TAG, the image that bot-bottle built for the agent, or pack: with its .smolmachine; or unpack it to ./{}-rootfs", agent_));
        agent(bottle, file, spec["agent"]);
        if (spec["agent"].is_null()) spec.erase("agent");
        auto& bundle = spec["bundle"];
        egress(bottle.value("egress", json()), bundle);
        const auto& git = bottle.contains("git-gate") ? bottle["git-gate"] : bottle.value("git", json());
        git_gate(git, bundle);
        if (!bundle.is_object()) bundle = ordered_json::object();
        if (bottle.contains("supervise") && bottle["supervise"].is_boolean()) bundle["supervise"] = bottle["supervise"];
        return document;
    }

private:
    void tell(const std::string& text) { imported_.report.push_back(fmt::format("agent {}: {}", agent_, printable(text))); }
    void lost(const std::string& what) { tell(what + " has no counterpart"); }

    std::string secret(const std::string& variable, const std::string& host) {
        auto& wanted = secrets_[secret_name(variable)];
        wanted.variable = variable;
        if (std::find(wanted.bottles.begin(), wanted.bottles.end(), agent_) == wanted.bottles.end()) wanted.bottles.push_back(agent_);
        if (!host.empty() && std::find(wanted.hosts.begin(), wanted.hosts.end(), host) == wanted.hosts.end()) wanted.hosts.push_back(host);
        return secret_name(variable);
    }

    void agent(const json& bottle, const FrontMatter& file, ordered_json& agent) {
        provider(bottle.value("agent_provider", json()), agent);
        const auto env = bottle.value("env", json());
        for (const auto& [name, value] : env.items()) variable(name, value.is_string() ? value.get<std::string>() : value.dump(), agent);
        if (file.body.find_first_not_of(" \t\r\n") != std::string::npos) {
            agent["prompt"] = fmt::format("./{}.prompt.md", agent_);
            imported_.files.push_back({agent_ + ".prompt.md", file.body});
        }
        const auto skills = file.keys.value("skills", json());
        for (const auto& skill : skills) {
            if (!skill.is_string()) continue;
            const auto name = skill.get<std::string>();
            if (!is_skill_name(name)) tell(fmt::format("agent.skills: {} is no name here: small letters, digits and hyphens", name));
            agent["skills"].push_back("./skills/" + name);
        }
        if (skills.is_array() && !skills.empty()) tell("agent.skills: copy each skill's folder to ./skills");
        if (file.keys.contains("git-gate")) lost("git-gate (the agent's identity)");
    }

    void variable(const std::string& name, const std::string& value, ordered_json& agent) {
        if (value.rfind('?', 0) == 0) return lost(fmt::format("env {} (asked on the terminal: {})", name, value.substr(1)));
        if (const auto host = host_variable(value); !host.empty()) agent["env"][name]["secret"] = secret(host, "");
        else agent["env"][name] = value;
    }

    void provider(const json& given, ordered_json& agent) {
        if (!given.is_object()) return;
        for (const auto& [key, value] : given.items()) {
            const auto text = value.is_string() ? value.get<std::string>() : value.dump();
            if (key == "template" && (text == "claude" || text == "codex")) agent["provider"] = text;
            else if (key == "template") lost(fmt::format("agent_provider.template {}: write agent.command; it", text));
            else lost("agent_provider." + key);
        }
    }

    void egress(const json& given, ordered_json& bundle) {
        if (!given.is_object() || !given.contains("routes")) return;
        auto& routes = bundle["egress"]["routes"];
        routes = ordered_json::array();
        for (const auto& route : given["routes"]) {
            if (!route.is_object() || !route.value("host", json()).is_string()) continue;
            if (const auto more = without_counterpart(route); !more.empty()) {
                tell(fmt::format("egress route {} is left out: {} has no counterpart, and without it more would pass", route["host"].get<std::string>(), more));
                continue;
            }
            routes.push_back(egress_route(route));
        }
    }

    /// The part of a route that ours cannot say; empty: all of it can be said. Ours has methods and path prefixes that hold for the whole route.
    static std::string without_counterpart(const json& route) {
        for (const auto& [key, value] : route.items()) {
            if (key != "host" && key != "auth" && key != "matches") return key;
            if (key == "auth" && !(value.is_object() && value.value("token_ref", json()).is_string())) return "auth without a token_ref";
            if (key != "matches") continue;
            if (!value.is_array() || value.size() != 1 || !value.front().is_object()) return "anything but one match";
            for (const auto& [by, what] : value.front().items()) {
                const bool prefix = by == "path" && what.is_object() && what.size() == 1 && what.value("prefix", json()).is_string();
                if (!prefix && !(by == "methods" && what.is_array())) return fmt::format("a match by {} {}", by, what.dump());
            }
        }
        return {};
    }

    ordered_json egress_route(const json& route) {
        const auto host = route["host"].get<std::string>();
        ordered_json made = {{"host", host}};
        if (route.contains("matches")) {
            const auto& match = route["matches"].front();
            if (match.contains("methods")) made["methods"] = match["methods"];
            if (match.contains("path")) made["paths"] = {match["path"]["prefix"].get<std::string>()};
        }
        if (!route.contains("auth")) return made;
        const auto& auth = route["auth"];
        made["secret"] = {{"name", secret(auth["token_ref"].get<std::string>(), host)}, {"header", "Authorization"}};
        if (auth.value("scheme", json()).is_string()) made["secret"]["scheme"] = auth["scheme"];
        return made;
    }

    void git_gate(const json& given, ordered_json& bundle) {
        if (!given.is_object()) return;
        for (const auto& [key, value] : given.items()) {
            if (key != "repos" || !value.is_object()) {
                lost("git-gate." + key);
                continue;
            }
            for (const auto& [name, repository] : value.items()) {
                if (!repository.is_object() || !repository.value("url", json()).is_string()) continue;
                bundle["gitGate"]["repositories"][name]["url"] = repository["url"];
                for (const auto& [other, ignored] : repository.items()) {
                    if (other != "url") lost(fmt::format("git-gate.repos.{}.{}", name, other));
                }
            }
        }
    }

    std::string agent_;
    Imported& imported_;
    std::map<std::string, Wanted>& secrets_;
};

std::vector<std::string> policy_lines(const std::map<std::string, Wanted>& secrets) {
    ordered_json policy;
    for (const auto& [name, wanted] : secrets) {
        policy[name] = {{"from", {{"env", wanted.variable}}}, {"bottles", wanted.bottles}};
        if (!wanted.hosts.empty()) policy[name]["hosts"] = wanted.hosts;
    }
    if (policy.is_null()) return {};
    std::vector<std::string> lines;
    std::string line;
    for (const char c : yaml_text(ordered_json{{"secrets", policy}})) {
        if (c != '\n') line += c;
        else lines.push_back(std::exchange(line, {}));
    }
    return lines;
}

}  // namespace

Imported import_bot_bottle(const std::vector<MarkdownFile>& bottles, const std::vector<MarkdownFile>& agents) {
    Imported imported;
    const auto known = read_markdown(bottles, "bottle", kBottleKeys, imported);
    const auto wanted = read_markdown(agents, "agent", kAgentKeys, imported);
    std::map<std::string, Wanted> secrets;
    for (const auto& [name, file] : wanted) {
        json bottle = json::object();
        if (file.keys.value("bottle", json()).is_string()) bottle = with_parents(known, file.keys["bottle"].get<std::string>(), imported.problems);
        else imported.report.push_back(fmt::format("agent {}: it names no bottle (chosen at launch there): its manifest has no more than the agent", name));
        imported.files.push_back({name + ".yaml", yaml_text(Converter(name, imported, secrets).manifest(bottle, file))});
    }
    imported.policy = policy_lines(secrets);
    return imported;
}

}  // namespace bottle
