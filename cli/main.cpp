#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "controllers/guest/workload.h"
#include "controllers/machine/guard.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

namespace bottle {
namespace {

using Run = int (*)(const Options&);

/// What runs each command of cli/command_texts.cpp.
const std::map<std::string_view, Run> kRuns = {
    {"validate", run_validate}, {"diff", run_diff},     {"apply", run_apply}, {"delete", run_delete},   {"exec", run_exec},       {"verify", run_verify},
    {"get", run_get},           {"describe", run_describe}, {"status", run_status}, {"wait", run_wait}, {"events", run_events}, {"history", run_history},
    {"explain", run_explain},   {"logs", run_logs},     {"proof", run_proof}, {"env", run_env},         {"completion", run_completion}, {"version", run_version},
    {"config", run_config},     {"schema", run_schema}, {"run", run_run},     {"pause", run_pause},     {"resume", run_resume},   {"rollback", run_rollback},
    {"adopt", run_adopt},       {"doctor", run_doctor}, {"export", run_export}, {"import", run_import}, {"plan", run_plan}, {"watch", run_watch},
};

int run(const std::vector<std::string>& words) {
    const auto line = read_command_line(words);
    if (line.help.empty()) return kRuns.at(line.command->name)(line.options);
    print(line.help);
    return static_cast<int>(Exit::Ok);
}

}  // namespace
}  // namespace bottle

int main(int argc, char** argv) {
    try {
        // Our own helpers, started by us alone: not commands.
        if (argc > 1 && std::string_view(argv[1]) == "__guard") return bottle::guard_main(argc, argv);
        if (argc > 1 && std::string_view(argv[1]) == "__keep-workload") return bottle::keep_workload_main(argc, argv);
        // Asked by the completions of cli/completion_script.cpp.
        if (argc > 1 && std::string_view(argv[1]) == "__complete") return bottle::run_complete({argv + 2, argv + argc});
        return bottle::run({argv + (argc > 0 ? 1 : 0), argv + argc});
    } catch (const bottle::Error& error) {
        bottle::say(bottle::render(error));
        return static_cast<int>(error.exit());
    } catch (const std::exception& error) {
        bottle::say(fmt::format("error: {}\n", error.what()));
        return static_cast<int>(bottle::Exit::Failed);
    }
}
