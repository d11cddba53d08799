#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/completion_script.h"
#include "cli/print.h"
#include "controllers/state/state_store.h"

#include <exception>

namespace bottle {
namespace {

/// Of our records alone, and without waiting: a person sits there with a finger on a key.
std::vector<std::string> recorded_names() {
    constexpr std::chrono::milliseconds kPatience{100};
    return StateStore(Session(environment()).state_folder() + "/state.db", kPatience).bottles();
}

}  // namespace

int run_completion(const Options& options) {
    print(completion_script(options.shell));
    return static_cast<int>(Exit::Ok);
}

int run_complete(const std::vector<std::string>& words) {
    const auto names = [] {
        try {
            return recorded_names();
        } catch (const std::exception&) {
            return std::vector<std::string>();
        }
    };
    print(candidate_lines(complete(words, names)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
