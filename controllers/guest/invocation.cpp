#include "controllers/guest/invocation.h"

#include <fmt/format.h>

namespace bottle {
namespace {

/// What the guest runs for the command, where smolvm itself does not do all that is asked. Words after the user are the shell's arguments; "--" keeps su
/// from reading them as its own options.
std::vector<std::string> guest_words(const SmolvmInvocation& smolvm, const ExecOptions& options, const std::vector<std::string>& command) {
    const bool needs_su = !smolvm.exec_user && !options.user.empty() && options.user != "root";
    const bool needs_end = !smolvm.exec_input_ends && options.ends_input;
    if (!needs_su && !needs_end) return command;
    const std::string script = needs_end ? "exec \"$@\" </dev/null" : "exec \"$@\"";
    auto words = needs_su ? std::vector<std::string>{"su", "-s", "/bin/sh", "-c", script, "--", options.user, "sh"} : std::vector<std::string>{"sh", "-c", script, "sh"};
    words.insert(words.end(), command.begin(), command.end());
    return words;
}

}  // namespace

SmolvmCommand exec_command(const SmolvmInvocation& smolvm, const ExecOptions& options,
                           const std::vector<std::string>& command) {
    SmolvmCommand made{{smolvm.program, "machine", "exec", "--name", smolvm.machine}, smolvm.environment};
    auto add = [&made](std::initializer_list<std::string> words) { made.argv.insert(made.argv.end(), words); };
    if (options.timeout_s > 0) add({"--timeout", fmt::format("{}s", options.timeout_s)});
    if (!options.user.empty() && smolvm.exec_user) add({"--user", options.user});
    if (options.standard_input) add({"-i"});
    if (options.terminal) add({"-t"});
    if (options.stream) add({"--stream"});
    int number = 0;
    for (const auto& [name, value] : options.env) {
        if (!smolvm.secret_env) {
            add({"-e", fmt::format("{}={}", name, value)});
            continue;
        }
        std::string host_name = fmt::format("BOTTLE_GUEST_ENV_{}", number++);
        add({"--secret-env", fmt::format("{}={}", name, host_name)});
        made.environment.push_back(fmt::format("{}={}", host_name, value));
    }
    add({"--"});
    const auto words = guest_words(smolvm, options, command);
    made.argv.insert(made.argv.end(), words.begin(), words.end());
    return made;
}

SmolvmCommand copy_command(const SmolvmInvocation& smolvm, const std::string& host_file, const std::string& guest_path,
                           const std::string& mode) {
    SmolvmCommand made{{smolvm.program, "machine", "cp"}, smolvm.environment};
    if (!mode.empty()) made.argv.insert(made.argv.end(), {"--mode", mode});
    made.argv.insert(made.argv.end(), {host_file, smolvm.machine + ":" + guest_path});
    return made;
}

}  // namespace bottle
