#pragma once

#include "controllers/guest/invocation.h"
#include "controllers/guest/targets.h"
#include "controllers/process/process_runner.h"
#include "controllers/process/secret_bytes.h"
#include "manifests/agent_files.h"
#include "reconciler/guest_reading.h"
#include "reconciler/world.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bottle {

class GuestDeadline;

/// What one probe needs to know of the machine and its surroundings.
struct GuestScope {
    SmolvmInvocation smolvm;
    std::string vm_folder;       ///< where smolvm writes egress-denials.log
    bool denial_log = true;      ///< it writes one; else nothing of it is read
    std::string scratch_folder;  ///< ours, 0700: the probe's file stands there while it is copied
    Surroundings around;
    std::int64_t vmm_uid = -1;                   ///< the uid that the VMM really has; -1: not known
    std::int64_t infra_pid = 0;                  ///< of the infra container, for its network namespace; 0: not known
    std::chrono::milliseconds deadline{60'000};  ///< for the whole probe
};

/// What shall be at one place in the guest.
struct GuestCopy {
    std::string target;            ///< absolute, or "~/…" in the user's home
    std::vector<AgentFile> files;  ///< none: nothing shall be there
};

/// Everything that is done inside a running guest before the workload. Decides nothing.
class GuestController {
public:
    explicit GuestController(ProcessRunner& runner) : runner_(runner) {}

    /// Copies our static probe into the guest and runs it against the bundle's ports and fresh listeners of ours, while
    /// watching from the host. Without a network, a copy of it stays and forwards the bundle's port. What could not be done is the reading's `problem`; throws only when memory or random
    /// numbers run out. Nothing of the guest's image is run, but for its chmod where smolvm cannot set a mode.
    GuestReading probe(const GuestScope& scope);

    /// Waits, with growing pauses, until the guest runs a program of ours; leaves nothing behind in it.
    /// Failed with the last answer when it does not within the deadline.
    Outcome wait_ready(const SmolvmInvocation& smolvm, const std::string& scratch_folder,
                       std::chrono::milliseconds deadline);

    /// The ownership repair, one shell line of the image as root: /home/<user> to the user and its group, by name;
    /// /tmp and /var/tmp to root with mode 1777; each made if missing. For root, the temporary folders only.
    /// Tried again once where the guest's agent kills it (exit 137 right after a start).
    Outcome provision(const SmolvmInvocation& smolvm, const std::string& user);

    /// Puts each copy in its place, where it appears whole, and removes what else was there: absolute ones as root's, those in the home as the user's own. By our static
    /// program, which is copied in for that and reads all of it again afterwards; Done: what it read has our digests. All of it goes as a file, nothing in an argument.
    Outcome place_copies(const SmolvmInvocation& smolvm, const std::string& scratch_folder, const std::string& user, std::vector<GuestCopy> copies);

    /// Puts a shell script that sets the agent's secrets into a file of the guest's memory that only `user` may read: on /dev/shm, a tmpfs in every guest
    /// (1.4.0, 1.8.3, 1.32.2), so that it never comes to a disk. It goes there by standard input, never in an argument or a variable. `path` is then where it lies.
    Outcome place_secrets(const SmolvmInvocation& smolvm, const std::string& user, const SecretBytes& script, std::string& path);
    /// Where nobody came to read it. Best effort: it goes with the guest's memory.
    void remove_secrets(const SmolvmInvocation& smolvm, const std::string& path);

    /// Without a network: where nobody listens on the bundle's port in the guest any more, a copy of the probe is started again that forwards it. Of the scope,
    /// the surroundings' ports and socket are used. One call where somebody listens; who that is, the probe finds out.
    Outcome stand_forwarder(const GuestScope& scope);

private:
    struct Placed {
        std::string guest_path;
        std::string problem;  ///< empty: it runs there
    };

    Placed place_probe(const SmolvmInvocation& smolvm, const std::string& scratch_folder, const GuestDeadline& deadline);
    void run_probe(const GuestScope& scope, const std::string& guest_path, const GuestDeadline& deadline,
                   GuestReading& reading);
    /// Empty, or what went wrong.
    std::string forward(const GuestScope& scope, const std::string& guest_path, const GuestDeadline& deadline);
    void remove_probe(const SmolvmInvocation& smolvm, const std::string& guest_path);
    std::string copy_probe(const SmolvmInvocation& smolvm, const std::string& host_file, const std::string& guest_path,
                           const GuestDeadline& deadline);
    /// Empty, or what went wrong.
    std::string send_file(const SmolvmInvocation& smolvm, const std::string& scratch_folder, const std::string& text, const std::string& guest_path, const GuestDeadline& deadline);
    ProcessResult exec(const SmolvmInvocation& smolvm, const std::vector<std::string>& command,
                       const std::string& input, std::chrono::milliseconds time);

    ProcessRunner& runner_;
};

/// The arguments of the ownership repair: {"/bin/sh", "-c", script, "sh", user, token}; it prints the token at its end.
std::vector<std::string> provision_command(const std::string& user, const std::string& token);

/// The arguments of what writes its standard input, lines of text, to a new file that only its user may read; it prints the token at its end.
std::vector<std::string> place_command(const std::string& path, const std::string& token);

/// The arguments of the look for somebody who listens on 127.0.0.1:`port`: a shell line that prints the token if there is one.
std::vector<std::string> listening_command(int port, const std::string& token);

}  // namespace bottle
