#include "controllers/machine/hand_environment.h"

#include "controllers/machine/smolvm.h"

#include <algorithm>

namespace bottle {

std::vector<std::string> hand_environment(const std::string& state_folder, const std::string& bottle, const SmolvmPolicy& policy, const std::string& path) {
    const auto paths = machine_paths(state_folder, bottle);
    const auto smolvm = choose_smolvm(policy, path);
    auto all = smolvm ? smolvm->environment(paths) : paths.environment();
    all.erase(std::remove_if(all.begin(), all.end(), [](const std::string& variable) { return variable.starts_with("PATH="); }), all.end());
    return all;
}

}  // namespace bottle
