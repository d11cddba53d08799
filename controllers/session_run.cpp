#include "controllers/session_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {

int Session::exec(const Look& look, ForegroundCommand command) {
    auto world = parts_->world(look.desired.name);
    if (!parts_->smolvm) throw Error(Exit::Precondition, "smolvm is not on PATH");
    const auto ready = world.stand_forwarder(look.desired);
    if (ready.kind != Outcome::Kind::Done) throw Error(Exit::Failed, ready.text, ready.hint);
    command.user = look.desired.user;
    command.env = look.desired.guest_env;
    const auto paths = machine_paths(parts_->place.folder, look.desired.name);
    return exec_in_guest(parts_->smolvm->invocation(paths, look.desired.machine.name), command);
}

int Session::run_workload(const Look& look, ForegroundCommand terminal, const Attendance& attendance) {
    return parts_->world(look.desired.name).run_workload(look.desired, look.snapshot, std::move(terminal), attendance);
}

RunClaim Session::claim_run(const std::string& bottle, bool keep) {
    const auto lock = parts_->lock_of(bottle) + ".run";
    if (keep) return {bottle, lock, {}};
    const auto folder = parts_->place.bottle_folder(bottle);
    const auto all = bottles();
    const bool known = std::find(all.begin(), all.end(), bottle) != all.end();
    if (known && !RunClaim::marked(folder)) {
        throw Error(Exit::Failed, fmt::format("bottle {} is there already, and at its end a run deletes the bottle that it ran", bottle),
                    fmt::format("--keep leaves it there; or bottle delete {} first", bottle));
    }
    return {bottle, lock, folder};
}

}  // namespace bottle
