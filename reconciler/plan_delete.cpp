#include "reconciler/desired.h"
#include "reconciler/plan_builder.h"
#include "reconciler/proof.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

constexpr const char* kCause = "deleted";

std::string component_of(const Labels& labels) {
    const auto found = labels.find(label::kComponent);
    return found == labels.end() ? std::string() : found->second;
}

void plan_machine_removal(const std::string& bottle, const Snapshot& snapshot, PlanBuilder& builder) {
    const auto& machine = snapshot.machine;
    const auto name = machine_name(bottle);
    if (life_of(machine) != Life::Dead) builder.stop_first(name, kCause, Cost::Restart);
    if (machine.row.unknown()) builder.refuse("smolvm's database could not be read: " + machine.row.why());
    if (machine.vm_folder.unknown()) builder.refuse("the VM folder could not be read: " + machine.vm_folder.why());
    if (machine.row.absent() && machine.vm_folder.present() && *machine.vm_folder) {
        builder.refuse(fmt::format("machine {} has no row in smolvm's database, but its folder with disks is there", name),
                       "bottle apply --adopt   makes the machine anew on these disks; or move the folder away first");
    }
    if (snapshot.firewall.present() && snapshot.stored.present() && snapshot.stored->allocation) {
        const auto uid = snapshot.stored->allocation->vmm_uid;
        builder.add(make_step('-', "remove", "firewall", name, fmt::format("uid {}", uid), kCause, RemoveFirewall{uid}));
    }
    if (!machine.row.present()) return;
    auto step = make_step('-', "delete", "machine", name, "with its disks", kCause, DeleteMachine{});
    // Before its first proof nobody may put anything on it.
    const bool unproved = snapshot.stored.present() && snapshot.stored->unproved;
    step.cost = unproved ? Cost::Nothing : Cost::Data;
    builder.add(std::move(step));
}

void plan_docker_removal(const std::string& bottle, const Snapshot& snapshot, PlanBuilder& builder) {
    if (!snapshot.docker.present()) {
        builder.refuse("Docker could not be read: " + (snapshot.docker.unknown() ? snapshot.docker.why() : "it is not there"));
        return;
    }
    auto containers = snapshot.docker->containers;
    std::stable_partition(containers.begin(), containers.end(), [](const auto& c) { return component_of(c.is.labels) != kInfra; });
    for (const auto& container : containers) {
        if (!is_ours(container.is.labels, bottle, snapshot.host)) continue;
        builder.add(make_step('-', "remove", "container", container.is.name, "", kCause, RemoveContainer{container.id}), builder.ids());
    }
    for (const auto& network : snapshot.docker->networks) {
        if (!is_ours(network.is.labels, bottle, snapshot.host)) continue;
        // A stranger on our network would keep it from being removed; only its place there is ended.
        if (network.endpoints.present()) {
            for (const auto& endpoint : *network.endpoints) {
                const bool ours = std::any_of(containers.begin(), containers.end(), [&](const auto& c) {
                    return c.id == endpoint.container_id && is_ours(c.is.labels, bottle, snapshot.host);
                });
                if (ours) continue;
                builder.add(make_step('-', "disconnect " + endpoint.container_id.substr(0, 12), "network", network.is.name, "disconnect",
                                      fmt::format("container {} sits on it", endpoint.container_name),
                                      DisconnectNetwork{network.id, endpoint.container_id}),
                            builder.ids());
            }
        }
        builder.add(make_step('-', "remove", "network", network.is.name, "", kCause, RemoveNetwork{network.id}), builder.ids());
    }
    // The pause image is every bottle's: the last one takes it along.
    const auto pause = snapshot.docker->images.find(kPauseImage);
    const bool is_last = snapshot.stored.present() && snapshot.stored->other_allocations.empty();
    if (is_last && !builder.ids().empty() && pause != snapshot.docker->images.end() && pause->second.present()) {
        builder.add(make_step('-', "remove", "image", kPauseImage, "", kCause, RemoveImage{pause->second->id}), builder.ids());
    }
    for (const auto& volume : snapshot.docker->volumes) {
        if (!is_ours(volume.labels, bottle, snapshot.host)) continue;
        auto step = make_step('-', "remove", "volume", volume.name, "with its files", kCause, RemoveVolume{volume.name});
        step.cost = Cost::Data;
        builder.add(std::move(step), builder.ids());
    }
}

}  // namespace

Plan plan_delete(const std::string& bottle, const Snapshot& snapshot) {
    PlanBuilder builder(bottle, {});
    plan_machine_removal(bottle, snapshot, builder);
    plan_docker_removal(bottle, snapshot, builder);
    if (snapshot.stored.unknown()) builder.refuse("bottle's own state could not be read: " + snapshot.stored.why());
    const bool known = snapshot.stored.present() && snapshot.stored->allocation.has_value();
    if (known || !builder.ids().empty()) {
        builder.add(make_step('-', "forget", "state", machine_name(bottle), "allocations and proofs", kCause, Forget{}), builder.ids());
    }
    return std::move(builder).finish();
}

}  // namespace bottle
