#include "controllers/guest/guest_call.h"
#include "controllers/guest/guest_controller.h"
#include "controllers/guest/guest_files.h"

// The agent's secrets on their way into the guest.
namespace bottle {

std::vector<std::string> place_command(const std::string& path, const std::string& token) {
    // By the shell alone, as it can: an image need have no cat. -C: no file, and no link, that somebody put there before is written to.
    const std::string script = "umask 077; set -C; while IFS= read -r line; do printf '%s\\n' \"$line\"; done > \"$1\" && printf '%s\\n' \"$2\"";
    return {"/bin/sh", "-c", script, "sh", path, token};
}

Outcome GuestController::place_secrets(const SmolvmInvocation& smolvm, const std::string& user, const SecretBytes& script, std::string& path) {
    path = "/dev/shm/.bottle-" + random_hex(16);
    const auto token = random_hex(16);
    constexpr std::chrono::seconds kPatience{60};
    ExecOptions options;
    options.user = user;
    options.standard_input = true;
    options.timeout_s = static_cast<int>(kPatience.count());
    auto call = exec_command(smolvm, options, place_command(path, token));
    ProcessRequest request;
    request.argv = std::move(call.argv);
    request.environment = std::move(call.environment);
    request.input.assign(script.begin(), script.end());
    request.deadline = kPatience + std::chrono::seconds(5);
    request.output_cap = 4096;
    const auto result = runner_.run(request);
    wipe(request.input);
    if (result.succeeded() && result.out == token + "\n") return {};
    // What it printed may be a part of them.
    return {Outcome::Kind::Failed, "the secrets did not come into the guest: smolvm's exec " + describe(result), {}};
}

void GuestController::remove_secrets(const SmolvmInvocation& smolvm, const std::string& path) {
    exec(smolvm, {"/bin/sh", "-c", "rm -f -- \"$1\"", "sh", path}, "", std::chrono::seconds(10));
}

}  // namespace bottle
