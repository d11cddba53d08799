#include "reconciler/fingerprint.h"

#include "manifests/stored_manifest.h"
#include "reconciler/canonical_text.h"
#include "reconciler/firewall.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

/// Digests of values, collected by their names.
class Collector {
public:
    explicit Collector(const KeyedDigest& digest) : digest_(digest) {}

    template <class... Values>
    void add(const std::string& name, const Values&... values) {
        CanonicalText text;
        text.all(values...);
        all_[name] = digest_(std::move(text).take());
    }

    template <class T>
    void add_seen(const std::string& name, const Observation<T>& seen) {
        if (seen.present()) add(name, *seen);
        else all_[name] = seen.absent() ? kWasAbsent : kWasUnknown;
    }

    void set(const std::string& name, const char* word) { all_[name] = word; }

    Fingerprint take() && { return std::move(all_); }

private:
    const KeyedDigest& digest_;
    Fingerprint all_;
};

bool is_named_list(const json& value) {
    return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_object() && item.contains("name"); });
}

void add_values(const std::string& path, const json& value, Collector& all) {
    const auto under = [&path](const std::string& key) { return path.empty() ? key : path + "." + key; };
    if (is_named_list(value)) {
        for (const auto& item : value) add_values(under(item.at("name").get<std::string>()), item, all);
    } else if (value.is_object() && !value.empty()) {
        for (const auto& [key, member] : value.items()) {
            if (!is_place(key)) add_values(under(key), member, all);
        }
    } else {
        all.add(path, value.dump());
    }
}

/// What is of ours because of who owns it, and no part of what is wanted.
void take_ownership_out(Labels& labels) {
    for (const char* key : {label::kOwner, label::kSpecHash}) labels.erase(key);
}

/// What infra has of its image, which the first apply of any bottle imports. In mode socket command and user are the bottle's own.
void take_pause_image_out(Container& infra, bool has_socket) {
    infra.image_id.clear();
    infra.entrypoint.clear();
    infra.env.clear();
    infra.working_dir.clear();
    infra.extras.clear();
    infra.labels.clear();
    if (has_socket) return;
    infra.command.clear();
    infra.user.clear();
}

bool is_of(const Labels& labels, const std::string& bottle) {
    const auto found = labels.find(label::kName);
    return found != labels.end() && found->second == bottle;
}

/// "bottle-docs", "bottle-docs-egress".
bool is_named_so(const std::string& name, const std::string& bottle) {
    return name == network_name(bottle) || name.starts_with(network_name(bottle) + "-");
}

/// Our own, what only has such a name, and what sits on our networks; none that carries another bottle's label but there.
bool concerns(const std::string& name, const Labels& labels, const std::string& bottle) {
    return is_of(labels, bottle) || (is_named_so(name, bottle) && labels.find(label::kName) == labels.end());
}

bool sits_on_ours(const Container& container, const std::string& bottle) {
    return std::any_of(container.networks.begin(), container.networks.end(),
                       [&](const Attachment& a) { return a.network == network_name(bottle) || a.network == external_network_name(bottle); });
}

std::vector<Endpoint> sorted(std::vector<Endpoint> endpoints) {
    std::sort(endpoints.begin(), endpoints.end(), [](const Endpoint& a, const Endpoint& b) { return a.container_id < b.container_id; });
    return endpoints;
}

/// Docker lets two networks have one name.
template <class Item>
std::map<std::string, std::vector<Item>> by_name(const std::vector<Item>& items, const std::string& bottle, bool (*also)(const Item&, const std::string&)) {
    std::map<std::string, std::vector<Item>> all;
    for (const auto& item : items) {
        if (concerns(item.is.name, item.is.labels, bottle) || also(item, bottle)) all[item.is.name].push_back(item);
    }
    return all;
}

void add_docker(const std::string& bottle, const DockerView& view, const std::vector<std::string>& image_refs, Collector& all) {
    const auto networks = by_name<ObservedNetwork>(view.networks, bottle, [](const ObservedNetwork&, const std::string&) { return false; });
    for (const auto& [name, same] : networks) {
        CanonicalText text;
        for (const auto& network : same) {
            text.all(network.id, network.is);
            if (network.endpoints.present()) text.put(sorted(*network.endpoints));
            else text.put(network.endpoints);
        }
        all.add("network " + name, std::move(text).take());
    }
    const auto containers = by_name<ObservedContainer>(view.containers, bottle, [](const ObservedContainer& c, const std::string& b) { return sits_on_ours(c.is, b); });
    for (const auto& [name, same] : containers) all.add("container " + name, same);
    for (const auto& volume : view.volumes) {
        if (concerns(volume.name, volume.labels, bottle)) all.add("volume " + volume.name, volume);
    }
    for (const auto& ref : image_refs) {
        const auto image = view.images.find(ref);
        if (ref != kPauseImage && image != view.images.end()) all.add_seen("image " + ref, image->second);
    }
}

void add_machine(const std::string& bottle, const MachineView& machine, Collector& all) {
    const auto of = [name = "machine " + machine_name(bottle)](const char* part) { return name + ": " + part; };
    // Of the row what smolvm itself does not rewrite; of one without a digest every byte.
    if (machine.row.present() && machine.row_digest.present()) all.add(of("its row"), *machine.row_digest, machine.row->is_blob);
    else if (machine.row.present()) all.add(of("its row"), machine.row->data, machine.row->is_blob);
    else all.set(of("its row"), machine.row.absent() ? kWasAbsent : kWasUnknown);
    all.add_seen(of("its disks"), machine.vm_folder);
    if (machine.processes.present() && machine.processes->empty()) all.set(of("its process"), kWasAbsent);
    else all.add_seen(of("its process"), machine.processes);
    all.add_seen(of("who holds its lock"), machine.lock_held);
    all.add_seen(of("its running configuration"), machine.running_config);
    all.add_seen(of("its live channels"), machine.live_channels);
    all.add_seen(of("its uid"), machine.uid_claim);
    all.add_seen(of("the copy of its image"), machine.image_copy);
    all.add_seen(of("what is in that copy"), machine.image_listing);
    all.add_seen(of("its image"), machine.source_listing);
    all.add_seen(of("its image's file"), machine.source_id);
    all.add_seen(of("smolvm's files"), machine.started_files);
}

void add_records(const Observation<StoredState>& stored, Collector& all) {
    const std::string what = "bottle's records";
    if (!stored.present()) return all.set(what, stored.absent() ? kWasAbsent : kWasUnknown);
    const auto& [allocation, start, proof, provisioned, copied, unproved, other_allocations, others, grants, socket] = *stored;
    all.add(what, allocation, start, proof, provisioned, unproved, grants, socket);
    if (!copied.empty()) all.add("what was copied into the guest", copied);
}

}  // namespace

Fingerprint manifest_fingerprint(const Manifest& manifest, const KeyedDigest& digest) {
    Collector all(digest);
    auto document = json::parse(to_stored_text(manifest));
    document.erase("format");
    add_values("", document, all);
    return std::move(all).take();
}

Fingerprint desired_fingerprint(const Desired& desired, const KeyedDigest& digest) {
    Collector all(digest);
    all.add("the addresses and the uid", desired.allocation, desired.bundle_address, desired.vmm_uid);
    all.add("the mode", desired.mode);
    all.add("the bundle's ports", desired.ports);
    for (auto network : desired.networks) {
        take_ownership_out(network.labels);
        all.add("network " + network.name, network);
    }
    for (auto volume : desired.volumes) {
        take_ownership_out(volume.labels);
        all.add("volume " + volume.name, volume);
    }
    for (std::size_t i = 0; i < desired.containers.size(); ++i) {
        auto container = desired.containers[i];
        take_ownership_out(container.labels);
        if (i == 0) take_pause_image_out(container, desired.socket_folder.has_value());
        all.add("container " + container.name, container);
    }
    auto machine = desired.machine;
    take_ownership_out(machine.labels);
    all.add("machine " + machine.name, machine, desired.image_source, desired.user);
    all.add("the folder of the mounted socket", desired.socket_folder);
    all.add("the firewall", desired.firewall);
    all.add("the guest's variables", desired.guest_env);
    all.add("the agent's command", desired.workload);
    all.add("the secrets and their hosts", desired.fingerprints, desired.grants);
    for (const auto& copy : desired.copies) all.add(in_words(copy), copy);
    all.add("the evidence that is required", desired.required);
    return std::move(all).take();
}

Fingerprint observed_fingerprint(const std::string& bottle, const Snapshot& snapshot, const std::vector<std::string>& image_refs, const std::optional<FirewallRules>& firewall,
                                 const KeyedDigest& digest) {
    Collector all(digest);
    const auto& host = snapshot.host;
    all.add("this host (its boot, our uid, the state folder, smolvm)", host.boot_id, host.euid, host.state_folder, host.smolvm_size);
    if (snapshot.docker.present()) add_docker(bottle, *snapshot.docker, image_refs, all);
    all.set(kDocker, snapshot.docker.present() ? "present" : snapshot.docker.absent() ? kWasAbsent : kWasUnknown);
    add_machine(bottle, snapshot.machine, all);
    if (!snapshot.firewall.present()) all.set("the firewall's rules", snapshot.firewall.absent() ? kWasAbsent : kWasUnknown);
    else all.add("the firewall's rules", firewall ? compare_firewall(*snapshot.firewall, *firewall) : std::string());
    all.add_seen("the folder of the mounted socket", snapshot.socket_place);
    all.add_seen("the route to the bundle", snapshot.route);
    all.add_seen("the agent's command", snapshot.workload);
    add_records(snapshot.stored, all);
    return std::move(all).take();
}

}  // namespace bottle
