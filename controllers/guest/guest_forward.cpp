#include "controllers/guest/guest_call.h"
#include "controllers/guest/guest_controller.h"
#include "controllers/guest/guest_files.h"

#include <fmt/format.h>

// The forwarder in a guest without a network.
namespace bottle {

std::vector<std::string> listening_command(int port, const std::string& token) {
    // The kernel's table of the guest: address and port in hex, as this processor keeps them, and 0A for one that listens (proc(5), tcp_states.h).
    // By the shell alone: an image need have no other program that could read it.
    const std::string script = "while read -r slot here there state rest; do case \"$here $state\" in \"$1 0A\") printf '%s\\n' \"$2\"; exit 0;; esac; "
                               "done < /proc/net/tcp; exit 1";
    return {"/bin/sh", "-c", script, "sh", fmt::format("0100007F:{:04X}", port), token};
}

/// One that runs from before in this boot is left alone; whether the port leads to the bundle is what the probe finds out.
std::string GuestController::forward(const GuestScope& scope, const std::string& guest_path, const GuestDeadline& deadline) {
    if (scope.around.ports.size() != 1) return "one socket is mounted, and the bundle has not one port";
    const auto token = random_hex(16);
    const auto ran = exec(scope.smolvm, {guest_path, "forward", token, std::to_string(scope.around.ports.front().port), scope.around.socket}, "", deadline.for_call());
    const bool forwards = ran.succeeded() && (ran.out == token + " listening\n" || ran.out == token + " taken\n");
    return forwards ? std::string() : "the guest's port is not forwarded to the mounted socket: " + last_words(ran);
}

Outcome GuestController::stand_forwarder(const GuestScope& scope) {
    const GuestDeadline deadline(scope.deadline);
    if (!scope.around.ports.empty()) {
        const auto token = random_hex(16);
        const auto looked = exec(scope.smolvm, listening_command(scope.around.ports.front().port, token), "", deadline.for_call());
        if (looked.succeeded() && looked.out == token + "\n") return {};
    }
    auto placed = place_probe(scope.smolvm, scope.scratch_folder, deadline);
    if (placed.problem.empty()) {
        placed.problem = forward(scope, placed.guest_path, deadline);
        remove_probe(scope.smolvm, placed.guest_path);
    }
    if (placed.problem.empty()) return {};
    return {Outcome::Kind::Failed, placed.problem, {}};
}

}  // namespace bottle
