#include "controllers/session_parts.h"

#include "controllers/host/host_sockets.h"
#include "controllers/host/kvm_guest.h"
#include "controllers/host/uid_registry.h"
#include "controllers/state/identity.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace bottle {
namespace {

std::set<std::string> folder_names(const std::string& folder) {
    std::set<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error); !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        names.insert(entry->path().filename());
    }
    return names;
}

/// The bottle of "<state folder> <bottle>"; empty for another state folder's.
std::string bottle_of(const std::string& holder, const std::string& state_folder) {
    const auto prefix = uid_holder(state_folder, "");
    return holder.rfind(prefix, 0) == 0 ? holder.substr(prefix.size()) : std::string();
}

}  // namespace

Observation<std::vector<Leftover>> Session::Parts::leftovers(const std::function<Plan(const std::string&)>& removal) {
    const auto known_list = store.bottles();
    const std::set<std::string> known(known_list.begin(), known_list.end());
    std::vector<Leftover> found;
    auto any = world("");
    if (const auto owner = read_owner(place.owner_file)) {
        const auto labelled = any.docker().bottles_of(*owner, place.folder);
        if (labelled.unknown()) return Unknown{labelled.why()};
        auto names = folder_names(place.folder + "/bottles");
        names.insert(labelled->begin(), labelled->end());
        for (const auto& name : names) {
            if (known.count(name) > 0) continue;
            if (const auto plan = removal(name); !plan.empty()) found.push_back({Leftover::Kind::Bottle, name, 0, true, loses_data(plan)});
        }
    }
    if (place.uid_registry.empty()) return found;
    const auto holders = registered_uids(place.uid_registry);
    std::set<std::int64_t> held;
    for (const auto& [bottle, allocation] : store.allocations()) held.insert(allocation.vmm_uid);
    const auto tables = any.firewall().uids();
    for (const auto uid : tables.present() ? *tables : std::set<std::int64_t>{}) {
        const auto holder = holders.find(uid);
        // Another state folder's, whose records are not ours to read.
        if (held.count(uid) > 0 || (holder != holders.end() && bottle_of(holder->second, place.folder).empty())) continue;
        found.push_back({Leftover::Kind::FirewallTable, "", uid, holder != holders.end(), false});
    }
    for (const auto& [uid, holder] : holders) {
        const auto name = bottle_of(holder, place.folder);
        if (!name.empty() && held.count(uid) == 0) found.push_back({Leftover::Kind::Uid, name, uid, true, false});
    }
    return found;
}

DoctorFacts Session::doctor_facts() {
    auto world = parts_->world("doctor");
    DoctorFacts facts;
    facts.preflight = parts_->preflight_facts(world, "doctor");
    if (parts_->smolvm) facts.smolvm_build = verify_build(*parts_->smolvm).problem;
    facts.kvm_guest = try_kvm_guest();
    if (const auto tables = world.firewall().uids(); tables.unknown()) facts.firewall = tables.why();
    facts.sockets = host_sockets();
    facts.leftovers = parts_->leftovers([this](const std::string& name) { return look_at_removal(name).plan; });
    return facts;
}

ConvergeResult Session::repair(const Leftover& leftover, const ConvergeOptions& options, Clock& clock, Progress& progress) {
    ConvergeResult result;
    result.exit = Exit::Ok;
    if (!leftover.ours || leftover.has_data) return result;
    switch (leftover.kind) {
        case Leftover::Kind::Bottle: return remove(leftover.name, options, clock, progress);
        case Leftover::Kind::FirewallTable: {
            const auto outcome = parts_->world("").firewall().act(RemoveFirewall{leftover.uid});
            if (outcome.kind != Outcome::Kind::Done) return {outcome.exit, {{{}, outcome.text, outcome.hint, ""}}, 0, {}};
            break;
        }
        case Leftover::Kind::Uid: unregister_uid(parts_->place.uid_registry, leftover.uid, uid_holder(parts_->place.folder, leftover.name)); break;
    }
    result.steps_done = 1;
    return result;
}

}  // namespace bottle
