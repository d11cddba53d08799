#include "cli/commands.h"
#include "cli/print.h"
#include "controllers/guest/workload.h"
#include "controllers/machine/guard.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <functional>
#include <string_view>

namespace bottle {
namespace {

using Run = int (*)(const Options&);

struct Command {
    const char* name;
    const char* help;
    Run run;
    bool takes_files;
    enum class Name { None, Optional, Required } takes_name;
};

const Command kCommands[] = {
    {"validate", "Check manifests, without touching anything", run_validate, true, Command::Name::None},
    {"diff", "Show what apply would do; exit 0 nothing, 1 differences, 3 unknown or refused", run_diff, true, Command::Name::Optional},
    {"apply", "Bring this host to the manifests, step by step, and prove it", run_apply, true, Command::Name::Optional},
    {"delete", "Remove bottles and everything of theirs", run_delete, true, Command::Name::Optional},
    {"status", "Show the conditions of the bottles on this host", run_status, false, Command::Name::Optional},
    {"explain", "Say how a bottle's guest reaches its bundle, why so, and what holds it to that", run_explain, true, Command::Name::Optional},
    {"exec", "Run a command in a bottle that is Confined: exec NAME -- CMD", run_exec, false, Command::Name::Required},
    {"logs", "Show the agent's log, NAME/machine or NAME/CONTAINER", run_logs, false, Command::Name::Required},
    {"verify", "Take the evidence from inside the guest anew", run_verify, true, Command::Name::Optional},
    {"proof", "Print the evidence of confinement, raw", run_proof, true, Command::Name::Optional},
    {"version", "Print the version", run_version, false, Command::Name::None},
};

/// "90s", "5m", "1h" or "1500ms".
std::chrono::milliseconds parse_duration(const std::string& text) {
    const std::pair<const char*, std::int64_t> units[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
    for (const auto& [unit, factor] : units) {
        const std::string_view suffix = unit;
        if (text.size() <= suffix.size() || !text.ends_with(suffix)) continue;
        const auto digits = text.substr(0, text.size() - suffix.size());
        if (digits.size() <= 7 && digits.find_first_not_of("0123456789") == std::string::npos) return std::chrono::milliseconds(std::stoll(digits) * factor);
    }
    throw Error(Exit::Usage, "--timeout " + printable(text) + " is no time", "write 90s, 5m or 1h");
}

int run(int argc, char** argv) {
    CLI::App app{"bottle keeps AI-agent sandboxes in the state that a checked-in file says, and proves that they are confined before anyone may use them.",
                 "bottle"};
    app.require_subcommand(1);
    app.footer("stdout is the result, stderr the talk. Exit codes: 0 done, 1 failed (diff: differences), 2 manifest or usage wrong,\n"
               "3 precondition missing or refused, 4 not in time, 5 UNSAFE, 130 interrupted.");
    Options options;
    std::string timeout = "60s";
    Run chosen = nullptr;
    for (const auto& command : kCommands) {
        auto* sub = app.add_subcommand(command.name, command.help);
        sub->callback([&chosen, &command] { chosen = command.run; });
        if (command.takes_files) sub->add_option("-f,--file", options.files, "Manifest file, or - for standard input; repeatable (default: bottle.yaml)");
        if (command.takes_name != Command::Name::None) {
            auto* name = sub->add_option("NAME", options.name, "A bottle that was applied on this host");
            if (command.takes_name == Command::Name::Required) name->required();
        }
        if (std::string_view(command.name) == "exec") sub->add_option("CMD", options.command, "The command and its arguments, after --")->required();
        sub->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
        sub->add_option("--timeout", timeout, "How long to work on it: 90s, 5m");
        if (std::string_view(command.name) == "apply") sub->add_flag("--adopt", options.adopt, "Take over what another owner of bottle made, and old disks without a row");
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        say(fmt::format("error: {}\n  bottle --help   shows the commands\n", error.what()));
        return static_cast<int>(Exit::Usage);
    }
    if (!options.name.empty() && !options.files.empty()) throw Error(Exit::Usage, "a NAME and -f are two ways to say which bottle", "give one of them");
    options.timeout = parse_duration(timeout);
    return chosen(options);
}

}  // namespace
}  // namespace bottle

int main(int argc, char** argv) {
    try {
        // Our own helpers, started by us alone: not commands.
        if (argc > 1 && std::string_view(argv[1]) == "__guard") return bottle::guard_main(argc, argv);
        if (argc > 1 && std::string_view(argv[1]) == "__keep-workload") return bottle::keep_workload_main(argc, argv);
        return bottle::run(argc, argv);
    } catch (const bottle::Error& error) {
        bottle::say(bottle::render(error));
        return static_cast<int>(error.exit());
    } catch (const std::exception& error) {
        bottle::say(fmt::format("error: {}\n", error.what()));
        return static_cast<int>(bottle::Exit::Failed);
    }
}
