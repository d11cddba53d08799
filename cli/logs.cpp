#include "cli/commands.h"
#include "cli/print.h"

namespace bottle {

int run_logs(const Options& options) {
    Session session(environment());
    const auto slash = options.name.find('/');
    const auto part = slash == std::string::npos ? std::string() : options.name.substr(slash + 1);
    Options bottle_only = options;
    bottle_only.name = options.name.substr(0, slash);
    print(session.logs(manifests_of(bottle_only, session).front().name, part));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
