#pragma once

#include "manifests/bot_bottle.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <string>

namespace bottle {

/// One of bot-bottle's files, read: its front matter, and what stands beneath that.
struct FrontMatter {
    std::string path;
    nlohmann::json keys = nlohmann::json::object();
    std::string body;
};

/// Every file by its name, with keys of `allowed` alone. What is wrong goes to `imported.problems`, a name that is none to its report.
/// `kind`: "bottle" or "agent", for the words.
std::map<std::string, FrontMatter> read_markdown(const std::vector<MarkdownFile>& files, const std::string& kind, const std::vector<std::string>& allowed, Imported& imported);

/// A bottle with its parents merged into it. What is wrong goes to `problems`; then the keys are those that could be had.
nlohmann::json with_parents(const std::map<std::string, FrontMatter>& bottles, const std::string& name, std::vector<Problem>& problems);

}  // namespace bottle
