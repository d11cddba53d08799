#pragma once

#include <map>
#include <string>
#include <vector>

namespace bottle {

/// How smolvm is called for one machine. Made by whoever knows where smolvm and its state are.
struct SmolvmInvocation {
    std::string program;                   ///< absolute path
    std::vector<std::string> environment;  ///< "K=V", the whole of it
    std::string machine;                   ///< smolvm's name of the machine
    bool exec_user = true;                 ///< it knows `exec --user` (1.32.2 does, 1.4.0 and 1.8.3 do not)
    bool exec_input_ends = true;           ///< without -i, what the command reads is at its end (1.32.2; with 1.8.3 it waits for ever)
    bool secret_env = true;                ///< it knows `exec --secret-env` (1.0.0)
};

/// The options of `smolvm machine exec` that we use. Without `user`, smolvm runs it as root of a local image.
struct ExecOptions {
    std::string user;                        ///< empty: root
    int timeout_s = 0;                       ///< 0: no --timeout
    bool standard_input = false;             ///< -i: forwarded
    bool ends_input = false;                 ///< without -i and -t: what the command reads is at its end, whatever smolvm does; of a command that may read
    bool terminal = false;                   ///< -t
    bool stream = false;                     ///< output as it comes, not when the command has ended
    std::map<std::string, std::string> env;  ///< of the guest's command
};

/// A smolvm command line, and the variables that it needs beside SmolvmInvocation::environment.
struct SmolvmCommand {
    std::vector<std::string> argv;
    std::vector<std::string> environment;
};

/// `machine exec` of a command: as the user by --user, or by the image's own su where smolvm has no such option. With `ends_input` it reads nothing, by the image's own sh where
/// smolvm would let it wait. Values of `env` never stand in argv: they go as variables of the smolvm process and
/// `--secret-env GUEST=HOST` (smolvm 1.0.0 and newer) hands them on. An older one has only `-e`: there they do stand in it, for every user of this host to see.
SmolvmCommand exec_command(const SmolvmInvocation& smolvm, const ExecOptions& options,
                           const std::vector<std::string>& command);

/// `machine cp` of a host file into the guest. `mode`: octal text for --mode (smolvm 1.32; older ones lack the option
/// and refuse it), or empty: smolvm makes it 0644.
SmolvmCommand copy_command(const SmolvmInvocation& smolvm, const std::string& host_file, const std::string& guest_path,
                           const std::string& mode);

}  // namespace bottle
