#include "cli/commands.h"
#include "cli/print.h"
#include "manifests/bot_bottle.h"
#include "manifests/read_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace bottle {
namespace {

std::vector<std::string> folders_of(const Options& options) {
    if (!options.folders.empty()) return options.folders;
    const auto own = environment();
    const auto home = own.find("HOME");
    if (home == own.end() || home->second.empty()) throw Error(Exit::Usage, "no folder is named, and HOME is not set", "bottle import FOLDER --into FOLDER");
    return {home->second + "/.bot-bottle"};
}

/// The Markdown files of one kind in all folders, sorted.
std::vector<MarkdownFile> markdown(const std::vector<std::string>& folders, const char* kind, std::vector<Problem>& problems) {
    std::vector<std::string> paths;
    for (const auto& folder : folders) {
        std::error_code error;
        for (std::filesystem::directory_iterator entry(folder + "/" + kind, error); !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
            if (entry->path().extension() == ".md") paths.push_back(entry->path());
        }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<MarkdownFile> files;
    for (const auto& path : paths) {
        auto file = read_file(path);
        if (file.problem.empty()) files.push_back({path, std::move(file.text)});
        else problems.push_back({Place{path, 0, 0}, file.problem, file.hint, ""});
    }
    return files;
}

/// Never over what is there.
void write_new(const std::string& path, const std::string& text) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wxe"), std::fclose);
    const bool written = file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() && std::fflush(file.get()) == 0;
    if (!written) throw Error(Exit::Failed, fmt::format("cannot write {}: {}", path, std::strerror(errno)), errno == EEXIST ? "name another folder: --into FOLDER" : "");
}

}  // namespace

int run_import(const Options& options) {
    const auto folders = folders_of(options);
    std::vector<Problem> problems;
    const auto bottles = markdown(folders, "bottles", problems);
    const auto agents = markdown(folders, "agents", problems);
    if (agents.empty() && problems.empty()) throw Error(Exit::Usage, fmt::format("there is no agents/NAME.md in {}", printable(folders.front())), "bottle import FOLDER --into FOLDER");
    auto imported = import_bot_bottle(bottles, agents);
    problems.insert(problems.end(), imported.problems.begin(), imported.problems.end());
    if (!problems.empty()) throw Error(Exit::Usage, problems);
    std::error_code error;
    std::filesystem::create_directories(options.into, error);
    if (error) throw Error(Exit::Failed, fmt::format("cannot make {}: {}", printable(options.into), error.message()));
    for (const auto& file : imported.files) {
        write_new(options.into + "/" + file.name, file.text);
        print(fmt::format("{}/{}\n", printable(options.into), file.name));
    }
    for (const auto& line : imported.report) say(line + "\n");
    if (!imported.policy.empty()) say("for the host policy, once looked at:\n");
    for (const auto& line : imported.policy) say("  " + line + "\n");
    say(fmt::format("next: bottle validate -f {}\n", printable(options.into)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
