#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/completion_script.h"
#include "cli/print.h"
#include "controllers/state/state_store.h"
#include "manifests/stored_manifest.h"

#include <exception>
#include <functional>

namespace bottle {
namespace {

using Words = std::vector<std::string>;

/// Of our records alone, and without waiting: a person sits there with a finger on a key. What cannot be read has no names, and no word about it.
Words recorded(const std::function<Words(StateStore&)>& read) {
    constexpr std::chrono::milliseconds kPatience{100};
    try {
        StateStore store(Session(environment()).state_folder() + "/state.db", kPatience);
        return read(store);
    } catch (const std::exception&) {
        return {};
    }
}

/// The parts that cli/logs.cpp knows.
Words parts_of(const std::string& bottle, StateStore& store) {
    Words parts = {"machine"};
    const auto applied = store.applied(bottle);
    if (!applied) return {};
    for (const auto& container : from_stored_text(applied->manifest).bundle.containers) parts.push_back(container.name);
    return parts;
}

}  // namespace

int run_completion(const Options& options) {
    print(completion_script(options.shell));
    return static_cast<int>(Exit::Ok);
}

int run_complete(const std::vector<std::string>& words) {
    const auto names = [] { return recorded([](StateStore& store) { return store.bottles(); }); };
    const auto parts = [](const std::string& bottle) { return recorded([&](StateStore& store) { return parts_of(bottle, store); }); };
    print(candidate_lines(complete(words, names, parts)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
