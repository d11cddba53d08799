#include "reconciler/plan_docker.h"

#include "reconciler/socket_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

using What = Change::What;

constexpr const char* kOwnership[] = {label::kName, label::kOwner, label::kState};

bool is_infra(const Desired& desired, const std::string& name) {
    return name == desired.containers.front().name;
}

/// Docker's own words for a container that `start` brings up.
bool can_be_started(const ObservedContainer& container) {
    return container.status == "created" || container.status == "exited";
}

const ObservedContainer* by_id(const DockerView& view, const std::string& id) {
    const auto found = std::find_if(view.containers.begin(), view.containers.end(), [&](const auto& c) { return c.id == id; });
    return found == view.containers.end() ? nullptr : &*found;
}

/// What has to go before anything is made, and why (the first cause of each).
struct Removals {
    std::vector<const Change*> networks;
    std::vector<const Change*> containers;
    std::set<std::string> ids;

    void add(std::vector<const Change*>& list, const Change& change) {
        if (ids.insert(change.id).second) list.push_back(&change);
    }
    bool removed(const std::string& id) const { return ids.count(id) > 0; }
};

bool made_anew(const Change& change, const DockerView& view, bool adopt) {
    switch (change.what) {
        case What::Differs:
        case What::Stale:
        case What::Unwanted: return true;
        case What::Orphan: return adopt;
        case What::NotRunning: {
            const auto* container = by_id(view, change.id);
            return container == nullptr || !can_be_started(*container);
        }
        default: return false;
    }
}

Removals find_removals(const std::vector<Change>& changes, const DockerView& view, bool adopt) {
    Removals removals;
    for (const auto& change : changes) {
        if (!made_anew(change, view, adopt)) continue;
        if (change.kind == "network") removals.add(removals.networks, change);
        if (change.kind == "container") removals.add(removals.containers, change);
    }
    return removals;
}

void refuse_what_is_not_ours(const std::vector<Change>& changes, bool adopt, PlanBuilder& builder) {
    std::set<std::string> told;
    for (const auto& change : changes) {
        const auto text = fmt::format("{} {} {}", change.kind, change.name, change.cause);
        if (change.what == What::Unmanaged && told.insert(text).second) {
            builder.refuse(text, fmt::format("remove or rename it, then apply again: docker {} rm {}", change.kind, change.name));
        }
        if (change.what == What::Orphan && !adopt && told.insert(text).second) {
            builder.refuse(text, "bottle apply --adopt   takes it over: it is removed and made anew; stop its machine there first");
        }
    }
}

void plan_disconnects(const std::vector<Change>& changes, PlanBuilder& builder) {
    for (const auto& change : changes) {
        if (change.what != What::Stranger || change.container_id.empty()) continue;
        auto step = make_step('-', "disconnect " + change.container_id.substr(0, 12), change.kind, change.name, "disconnect", change.cause,
                              DisconnectNetwork{change.network_id, change.container_id});
        builder.add(std::move(step));
    }
}

/// Containers that join infra go first, infra after them, the networks last.
void plan_removals(const Desired& desired, const Removals& removals, PlanBuilder& builder) {
    auto containers = removals.containers;
    std::stable_partition(containers.begin(), containers.end(), [&](const Change* c) { return !is_infra(desired, c->name); });
    for (const auto* change : containers) {
        builder.add(make_step('-', "remove", "container", change->name, "", change->cause, RemoveContainer{change->id}), builder.ids());
    }
    for (const auto* change : removals.networks) {
        builder.add(make_step('-', "remove", "network", change->name, "", change->cause, RemoveNetwork{change->id}), builder.ids());
    }
}

bool missing(const std::string& kind, const std::string& name, const std::vector<Change>& changes) {
    return std::any_of(changes.begin(), changes.end(), [&](const Change& c) { return c.what == What::Missing && c.kind == kind && c.name == name; });
}

bool made_new(const std::string& kind, const std::string& name, const std::vector<Change>& changes, const std::vector<const Change*>& removed) {
    return missing(kind, name, changes) || std::any_of(removed.begin(), removed.end(), [&](const Change* c) { return c->name == name; });
}

const char* creation_cause(const std::string& kind, const std::string& name, const std::vector<Change>& changes) {
    return missing(kind, name, changes) ? "absent" : "made anew";
}

void plan_networks(const Desired& desired, const std::vector<Change>& changes, const Removals& removals, PlanBuilder& builder) {
    for (const auto& network : desired.networks) {
        if (!made_new("network", network.name, changes, removals.networks)) continue;
        const auto subnet = network.ipam.front().substr(0, network.ipam.front().find(' '));
        const auto detail = network.internal ? "internal " + subnet : subnet;
        builder.add(make_step('+', "create", "network", network.name, detail, creation_cause("network", network.name, changes), CreateNetwork{network}),
                    builder.ids());
    }
}

void plan_volumes(const Desired& desired, const std::vector<Change>& changes, PlanBuilder& builder) {
    for (const auto& volume : desired.volumes) {
        if (missing("volume", volume.name, changes)) builder.add(make_step('+', "create", "volume", volume.name, "", "absent", CreateVolume{volume}));
    }
}

std::string container_detail(const Desired& desired, std::size_t index) {
    const auto& container = desired.containers[index];
    if (index == 0 && desired.socket_folder) return fmt::format("pause at {}, {} to port {}", desired.bundle_address, kSocketName, desired.ports.front().port);
    if (index == 0 && desired.machine.tsi) return fmt::format("pause at {}, published on {}", desired.bundle_address, desired.dialled);
    if (index == 0) return "pause at " + desired.bundle_address;
    return fmt::format("{} ({})", desired.image_refs[index], short_id(container.image_id));
}

/// What an infra before it left there goes, too.
bool needs_folder(const Desired& desired, const Observation<SocketPlace>& place) {
    if (!desired.socket_folder || place.unknown()) return false;
    return !compare_socket_folder(place, *desired.socket_folder).empty() || !place->entries.empty();
}

void plan_new_container(const Desired& desired, std::size_t index, const std::vector<Change>& changes, const Observation<SocketPlace>& place,
                        PlanBuilder& builder) {
    const auto& container = desired.containers[index];
    const auto line = make_step('+', "create", "container", container.name, container_detail(desired, index),
                                creation_cause("container", container.name, changes), CreateContainer{container});
    if (index == 0 && container.image_id.empty()) {
        auto import = make_step('+', "import", "image", kPauseImage, "", "absent", ImportPauseImage{});
        import.part_of = line.id;
        builder.add(std::move(import));
    }
    if (index == 0 && needs_folder(desired, place)) {
        auto folder = make_step('+', "make", "folder", desired.socket_folder->path, "", "of the mounted socket", MakeSocketFolder{*desired.socket_folder});
        folder.part_of = line.id;
        builder.add(std::move(folder), builder.ids());
    }
    builder.add(line, builder.ids());
    for (std::size_t i = 1; i < container.networks.size(); ++i) {
        const auto& attachment = container.networks[i];
        auto connect = make_step('+', "connect " + attachment.network, "container", container.name, "", "absent",
                                 ConnectNetwork{attachment.network, container.name, attachment.ipv4});
        connect.part_of = line.id;
        builder.add(std::move(connect), builder.ids());
    }
    auto start = make_step('>', "start", "container", container.name, "", "not running", StartContainer{container.name});
    start.part_of = line.id;
    builder.add(std::move(start), builder.ids());
}

void plan_repairs(const Container& container, const std::vector<Change>& changes, PlanBuilder& builder) {
    for (const auto& change : changes) {
        if (change.what != What::Detached || change.name != container.name) continue;
        const auto attachment = std::find_if(container.networks.begin(), container.networks.end(),
                                             [&](const Attachment& a) { return change.network == a.network; });
        if (attachment == container.networks.end()) continue;
        builder.add(make_step('+', "connect " + attachment->network, "container", container.name, "connect to " + attachment->network, change.cause,
                              ConnectNetwork{change.network_id.empty() ? attachment->network : change.network_id, change.id, attachment->ipv4}),
                    builder.ids());
    }
    for (const auto& change : changes) {
        if (change.what != What::NotRunning || change.name != container.name) continue;
        builder.add(make_step('>', "start", "container", container.name, "", change.cause, StartContainer{change.id}), builder.ids());
    }
}

bool has_owner_of(const Labels& labels, const Labels& ours) {
    return std::all_of(std::begin(kOwnership), std::end(kOwnership), [&](const char* key) {
        const auto found = labels.find(key);
        return found != labels.end() && found->second == ours.at(key);
    });
}

/// When infra or a network of it goes, everything that stands on it goes with it.
void widen_removals(const Desired& desired, const DockerView& view, const std::vector<Change>& changes, Removals& removals,
                    std::vector<Change>& consequences) {
    const auto& infra = desired.containers.front();
    const bool infra_new = made_new("container", infra.name, changes, removals.containers) || !removals.networks.empty();
    if (!infra_new) return;
    for (const auto& wanted : desired.containers) {
        for (const auto& container : view.containers) {
            const bool its_turn = container.is.name == wanted.name && !removals.removed(container.id);
            if (!its_turn || !has_owner_of(container.is.labels, infra.labels)) continue;
            Change change;
            change.kind = "container";
            change.name = container.is.name;
            change.id = container.id;
            change.cause = removals.networks.empty() ? "infra is made anew, and it lives in infra's namespace" : "its network is made anew";
            consequences.push_back(std::move(change));
        }
    }
    for (const auto& change : consequences) removals.add(removals.containers, change);
}

}  // namespace

bool needs_machine_stopped(const Desired& desired, const std::vector<Change>& changes) {
    return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
        if (change.kind == "network") return change.what != What::Missing;
        return change.kind == "container" && is_infra(desired, change.name) && change.what != What::Detached;
    });
}

void plan_docker(const Desired& desired, const DockerView& view, const Observation<SocketPlace>& place, const std::vector<Change>& changes,
                 const PlanOptions& options, PlanBuilder& builder) {
    refuse_what_is_not_ours(changes, options.adopt, builder);
    auto removals = find_removals(changes, view, options.adopt);
    std::vector<Change> consequences;
    consequences.reserve(view.containers.size() * desired.containers.size());
    widen_removals(desired, view, changes, removals, consequences);

    plan_disconnects(changes, builder);
    plan_removals(desired, removals, builder);
    plan_networks(desired, changes, removals, builder);
    plan_volumes(desired, changes, builder);
    for (std::size_t i = 0; i < desired.containers.size(); ++i) {
        const auto& container = desired.containers[i];
        if (made_new("container", container.name, changes, removals.containers)) {
            plan_new_container(desired, i, changes, place, builder);
        } else {
            plan_repairs(container, changes, builder);
        }
    }
}

}  // namespace bottle
