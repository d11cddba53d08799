#include "cli/outcome.h"

#include "cli/print.h"

#include <fmt/format.h>

namespace bottle {

Exit tell(const std::string& bottle, const ConvergeResult& result, const std::string& done) {
    if (result.exit == Exit::Ok) {
        print(fmt::format("bottle {}: {} ({} step{})\n", bottle, done, result.steps_done, result.steps_done == 1 ? "" : "s"));
        return result.exit;
    }
    Error error(result.exit, result.problems);
    error.add_trace("while working on bottle " + bottle);
    say(render(error));
    return result.exit;
}

}  // namespace bottle
