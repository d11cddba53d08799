#include "controllers/session_parts.h"

#include "controllers/state/digest.h"
#include "controllers/state/identity.h"
#include "controllers/state/private_file.h"
#include "manifests/stored_manifest.h"
#include "reconciler/allocate.h"
#include "reconciler/host_limits.h"
#include "reconciler/secrets.h"

#include <fmt/format.h>

namespace bottle {

namespace {

/// As if those bottles held already what they were promised.
Snapshot with_promises(Snapshot snapshot, const std::string& bottle, const std::map<std::string, Allocation>& promised) {
    for (const auto& [name, allocation] : promised) {
        if (name != bottle && snapshot.stored.present()) snapshot.stored.value().other_allocations.emplace(name, allocation);
    }
    return snapshot;
}

}  // namespace

Session::Session(Environment environment) : parts_(std::make_unique<Parts>(std::move(environment))) {}
Session::~Session() = default;

const HostPolicy& Session::policy() {
    return parts_->policy();
}

std::string Session::docker_host() {
    return parts_->docker_host();
}

Look Session::look(const Manifest& manifest, const PlanOptions& options, Secrets secrets, const std::map<std::string, Allocation>& promised) {
    auto world = parts_->world(manifest.name);
    std::optional<Allocation> held;
    const auto all = parts_->store.allocations();
    if (const auto found = all.find(manifest.name); found != all.end()) held = found->second;
    Look look;
    auto scope = parts_->scope_of(manifest, held);
    if (secrets == Secrets::Read) scope.secrets = secrets_given(manifest, parts_->policy());
    look.snapshot = world.observe(scope);
    const auto pools = pools_of(parts_->policy());
    const auto chosen = promised.empty() ? allocate(manifest, pools, look.snapshot) : allocate(manifest, pools, with_promises(look.snapshot, manifest.name, promised));
    // Where nothing can be chosen the plan still says why, and what has to be stopped: on the addresses that are held.
    const auto allocation = std::holds_alternative<Allocation>(chosen) ? std::get<Allocation>(chosen) : held.value_or(Allocation{"10.231.0.0/29", "10.232.0.0/29", 0});
    look.desired = desire(manifest, parts_->policy(), allocation, look.snapshot, parts_->keyed_digest(false));
    const bool readable = look.snapshot.docker.present() && look.snapshot.stored.present();
    if (const auto* why = std::get_if<std::string>(&chosen); why != nullptr && readable) look.desired.problems.push_back({manifest.place, *why, "", ""});
    look.plan = plan_apply(look.desired, look.snapshot, options);
    return look;
}

RemovalLook Session::look_at_removal(const std::string& bottle) {
    auto world = parts_->world(bottle);
    RemovalLook look;
    look.snapshot = world.observe(parts_->removal_scope(bottle));
    look.plan = plan_delete(bottle, look.snapshot);
    return look;
}

KeyedDigest Session::plan_digest(const std::string& salt, bool keyed) {
    if (!keyed) return [salt](std::string_view text) { return hmac_sha256_hex(salt, text); };
    if (!has_digest_key()) {
        throw Error(Exit::Precondition, fmt::format("the plan was made with the key of a state folder, and {} has none", printable(parts_->place.folder)),
                    "bottle plan --out FILE   makes a new one");
    }
    const auto key = parts_->keyed_digest(false)(salt);
    return [key](std::string_view text) { return hmac_sha256_hex(key, text); };
}

bool Session::has_digest_key() {
    return bottle::has_digest_key(parts_->place.folder);
}

std::vector<std::string> Session::bottles() {
    return parts_->store.bottles();
}

std::optional<Applied> Session::applied(const std::string& bottle) {
    const auto record = parts_->store.applied(bottle);
    if (!record) return std::nullopt;
    return Applied{from_stored_text(record->manifest), record->generation};
}

std::map<std::string, std::string> Session::transition_times(const std::string& bottle) {
    return parts_->store.transition_times(bottle);
}

const std::string& Session::state_folder() const {
    return parts_->place.folder;
}

}  // namespace bottle
