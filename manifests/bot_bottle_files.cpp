#include "manifests/bot_bottle_files.h"

#include "manifests/yaml_document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

/// "docs" of "/home/me/.bot-bottle/agents/docs.md"; empty where it is no name.
std::string name_of_file(const std::string& path) {
    const auto file = path.substr(path.rfind('/') + 1);
    constexpr std::string_view kEnd = ".md";
    if (file.size() <= kEnd.size() || !file.ends_with(kEnd)) return {};
    const auto name = file.substr(0, file.size() - kEnd.size());
    const bool good = name.front() >= 'a' && name.front() <= 'z' && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    return good ? name : std::string();
}

/// Where the line that is `mark` alone begins, from `from` on; npos: there is none.
std::size_t line_of(const std::string& text, std::string_view mark, std::size_t from) {
    for (auto at = text.find(mark, from); at != std::string::npos; at = text.find(mark, at + 1)) {
        const bool begins = at == 0 || text[at - 1] == '\n';
        const auto end = at + mark.size();
        if (begins && (end == text.size() || text[end] == '\n' || text[end] == '\r')) return at;
    }
    return std::string::npos;
}

FrontMatter read(const MarkdownFile& file, const std::vector<std::string>& allowed, std::vector<Problem>& problems) {
    FrontMatter read{file.path, json::object(), {}};
    constexpr std::string_view kFence = "---";
    const bool fenced = line_of(file.text, kFence, 0) == 0;
    const auto end = fenced ? line_of(file.text, kFence, kFence.size()) : std::string::npos;
    if (end == std::string::npos) {
        problems.push_back({Place{file.path, 1, 1}, "there is no YAML between two lines ---", "", ""});
        return read;
    }
    // An empty first line in the place of the fence keeps the numbers of lines.
    const SourceText source(file.path, file.text.substr(kFence.size(), end - kFence.size()));
    const auto documents = read_yaml(source, problems);
    const auto after = file.text.find('\n', end);
    if (after != std::string::npos) read.body = file.text.substr(after + 1);
    if (documents.empty() || documents.front().json.is_null()) return read;
    if (!documents.front().json.is_object()) {
        problems.push_back(source.problem(documents.front().place_of(""), "it is no mapping of keys", ""));
        return read;
    }
    read.keys = documents.front().json;
    for (const auto& [key, value] : read.keys.items()) {
        if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
        problems.push_back(source.problem(documents.front().place_of("/" + key, true), fmt::format("unknown key {}", key), fmt::format("there are: {}", fmt::join(allowed, ", "))));
    }
    return read;
}

/// bot-bottle's rule: variables by key, everything else whole.
json merged(json parent, const json& child) {
    for (const auto& [key, value] : child.items()) {
        if (key == "extends") continue;
        if (key == "env" && value.is_object() && parent.value(key, json()).is_object()) parent[key].update(value);
        else parent[key] = value;
    }
    return parent;
}

json with_parents(const std::map<std::string, FrontMatter>& bottles, const std::string& name, std::vector<std::string> chain, std::vector<Problem>& problems) {
    const bool again = std::find(chain.begin(), chain.end(), name) != chain.end();
    chain.push_back(name);
    const auto found = bottles.find(name);
    if (again || found == bottles.end()) {
        const auto from = chain.size() > 1 ? bottles.find(chain[chain.size() - 2]) : bottles.end();
        problems.push_back({from == bottles.end() ? std::nullopt : std::optional(Place{from->second.path, 1, 1}),
                            fmt::format("{}: {}", again ? "bottles extend each other in a circle" : "there is no such bottle", fmt::join(chain, " → ")), "", ""});
        return json::object();
    }
    const auto& own = found->second.keys;
    if (!own.contains("extends")) return own;
    if (!own["extends"].is_string()) {
        problems.push_back({Place{found->second.path, 1, 1}, "extends is no name of a bottle", "", ""});
        return own;
    }
    return merged(with_parents(bottles, own["extends"].get<std::string>(), chain, problems), own);
}

}  // namespace

std::map<std::string, FrontMatter> read_markdown(const std::vector<MarkdownFile>& files, const std::string& kind, const std::vector<std::string>& allowed, Imported& imported) {
    std::map<std::string, FrontMatter> all;
    for (const auto& file : files) {
        const auto name = name_of_file(file.path);
        if (name.empty()) imported.report.push_back(fmt::format("{}: no name of {} {}: passed over", printable(file.path), kind == "agent" ? "an" : "a", kind));
        else if (all.count(name) > 0) imported.problems.push_back({Place{file.path, 1, 1}, fmt::format("{} {} is there twice: also {}", kind, name, all[name].path), "", ""});
        else all[name] = read(file, allowed, imported.problems);
    }
    return all;
}

json with_parents(const std::map<std::string, FrontMatter>& bottles, const std::string& name, std::vector<Problem>& problems) {
    return with_parents(bottles, name, std::vector<std::string>{}, problems);
}

}  // namespace bottle
