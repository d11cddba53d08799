#include "cli/commands.h"
#include "cli/print_get.h"
#include "manifests/load.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace bottle {
namespace {

constexpr const char* kDefaultFile = "bottle.yaml";

[[noreturn]] void unknown(const std::string& name, Session& session) {
    std::string names;
    for (const auto& other : session.bottles()) names += (names.empty() ? "" : ", ") + other;
    throw Error(Exit::Usage, fmt::format("there is no bottle {}", printable(name)),
                names.empty() ? "no bottle was applied here yet: bottle apply -f FILE" : "there are: " + names);
}

Manifest known(const std::string& name, Session& session) {
    if (auto applied = session.applied(name)) return applied->manifest;
    const auto all = session.bottles();
    if (std::find(all.begin(), all.end(), name) == all.end()) unknown(name, session);
    throw Error(Exit::Usage, fmt::format("the first apply of bottle {} did not come to an end: no manifest of it is recorded", name),
                fmt::format("bottle apply -f FILE, or bottle delete {}", name));
}

}  // namespace

std::vector<Manifest> manifests_of(const Options& options, Session& session) {
    if (!options.name.empty()) return {known(options.name, session)};
    return load_manifests(files_of(options), std::cin, options.recursive);
}

std::vector<Manifest> only_selected(std::vector<Manifest> manifests, const std::map<std::string, std::string>& selector) {
    std::erase_if(manifests, [&](const Manifest& manifest) { return !selected(manifest.labels, selector); });
    if (manifests.empty()) throw Error(Exit::Usage, "no bottle of these manifests has the labels of -l", "bottle config -f FILE   shows the labels");
    return manifests;
}

std::vector<std::string> files_of(const Options& options) {
    if (!options.files.empty()) return options.files;
    if (access(kDefaultFile, F_OK) != 0) {
        throw Error(Exit::Usage, fmt::format("no manifest is named, and there is no {} in this folder", kDefaultFile), "name one: -f FILE, or a folder of them: -f FOLDER");
    }
    return {kDefaultFile};
}

std::vector<std::string> names_of(const Options& options, Session& session) {
    const auto all = session.bottles();
    if (options.names.empty()) return all;
    for (const auto& name : options.names) {
        if (std::find(all.begin(), all.end(), name) == all.end()) unknown(name, session);
    }
    return options.names;
}

Environment environment() {
    Environment all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string::npos) all[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return all;
}

}  // namespace bottle
