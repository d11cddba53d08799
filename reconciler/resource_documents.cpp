#include "reconciler/resource_documents.h"

#include "reconciler/diff.h"
#include "reconciler/firewall.h"
#include "reconciler/proof.h"
#include "reconciler/row.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace bottle {
namespace {

using nlohmann::ordered_json;

class Documents {
public:
    explicit Documents(std::string bottle) : bottle_(std::move(bottle)) {}

    void add(const std::string& kind, const std::string& name, ordered_json seen, ordered_json wanted) {
        if (seen != wanted) all_.push_back({fmt::format("{}.{}.{}", bottle_, kind, file_name(name)), std::move(seen), std::move(wanted)});
    }
    std::vector<ResourceDocument> take() && { return std::move(all_); }

private:
    /// A name may be anybody's.
    static std::string file_name(std::string name) {
        name = printable(name);
        std::replace(name.begin(), name.end(), '/', '_');
        return name;
    }

    std::string bottle_;
    std::vector<ResourceDocument> all_;
};

/// Both sides of a resource whose fields are pairs; null for a side that is not there.
struct Sides {
    ordered_json seen;
    ordered_json wanted;

    void put(const std::string& field, const ordered_json& seen_value, const ordered_json& wanted_value) {
        if (!seen.is_null() && !is_empty_text(seen_value)) seen[field] = seen_value;
        if (!wanted.is_null() && !is_empty_text(wanted_value)) wanted[field] = wanted_value;
    }

    static bool is_empty_text(const ordered_json& value) { return value.is_string() && value.get_ref<const std::string&>().empty(); }
};

Sides sides_of(bool is_seen, bool is_wanted, const std::vector<FieldPair>& fields) {
    Sides sides;
    if (is_seen) sides.seen = ordered_json::object();
    if (is_wanted) sides.wanted = ordered_json::object();
    for (const auto& field : fields) sides.put(field.name, field.seen, field.wanted);
    return sides;
}

/// Every name that is wanted, in its order, then those that are there and are not.
template <class Item, class Seen, class NameOf>
std::vector<std::string> all_names(const std::vector<Item>& wanted, const std::vector<Seen>& seen, const NameOf& name_of_seen) {
    std::vector<std::string> names;
    const auto add = [&names](const std::string& name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const auto& item : wanted) add(item.name);
    for (const auto& item : seen) add(name_of_seen(item));
    return names;
}

template <class Item>
const Item* named(const std::vector<Item>& all, const std::string& name) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Item& item) { return item.name == name; });
    return found == all.end() ? nullptr : &*found;
}

/// Of what else is there only this bottle's own.
template <class Seen>
std::vector<Seen> of_interest(const std::vector<Seen>& all, const std::string& bottle, const HostFacts& host) {
    std::vector<Seen> own;
    std::copy_if(all.begin(), all.end(), std::back_inserter(own), [&](const Seen& item) { return is_ours(item.is.labels, bottle, host); });
    return own;
}

ordered_json who_is_on(const ObservedNetwork& network) {
    if (network.endpoints.unknown()) return "unknown: " + network.endpoints.why();
    std::vector<std::string> names;
    if (network.endpoints.present()) {
        for (const auto& endpoint : *network.endpoints) names.push_back(endpoint.container_name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

void add_networks(const Desired& desired, const DockerView& view, const HostFacts& host, Documents& all) {
    const auto own = of_interest(view.networks, desired.name, host);
    for (const auto& name : all_names(desired.networks, own, [](const ObservedNetwork& n) { return n.is.name; })) {
        const auto* wanted = named(desired.networks, name);
        const auto* seen = find_network(view, name);
        auto sides = sides_of(seen != nullptr, wanted != nullptr, network_fields(wanted, seen == nullptr ? nullptr : &seen->is));
        const auto infra = desired.containers.empty() ? std::vector<std::string>{} : std::vector<std::string>{desired.containers.front().name};
        sides.put("Containers", seen == nullptr ? ordered_json() : who_is_on(*seen), infra);
        all.add("network", name, std::move(sides.seen), std::move(sides.wanted));
    }
}

void add_volumes(const Desired& desired, const DockerView& view, Documents& all) {
    for (const auto& wanted : desired.volumes) {
        const auto* seen = named(view.volumes, wanted.name);
        const ordered_json there = {{"Driver", wanted.driver}, {"Options", wanted.options}};
        all.add("volume", wanted.name, seen == nullptr ? ordered_json() : ordered_json({{"Driver", seen->driver}, {"Options", seen->options}}), there);
    }
}

void add_containers(const Desired& desired, const DockerView& view, const HostFacts& host, Documents& all) {
    const auto own = of_interest(view.containers, desired.name, host);
    for (const auto& name : all_names(desired.containers, own, [](const ObservedContainer& c) { return c.is.name; })) {
        const auto* wanted = named(desired.containers, name);
        const auto* seen = find_container(view, name);
        auto sides = sides_of(seen != nullptr, wanted != nullptr, container_fields(wanted, seen == nullptr ? nullptr : &seen->is));
        sides.put("Status", seen == nullptr ? ordered_json() : ordered_json(seen->status), "running");
        std::vector<std::string> on;
        if (seen != nullptr) {
            for (const auto& place : seen->is.networks) on.push_back(place.network);
        }
        std::vector<std::string> shall;
        if (wanted != nullptr) {
            for (const auto& place : wanted->networks) shall.push_back(place.network);
        }
        sides.put("Networks", on, shall);
        all.add("container", name, std::move(sides.seen), std::move(sides.wanted));
    }
}

const char* word_of(Life life) {
    switch (life) {
        case Life::Dead: return "stopped";
        case Life::Alive: return "running";
        case Life::Unknown: break;
    }
    return "unknown";
}

/// The row is smolvm's own: of it stands here what differs, and the list.
void add_machine(const Desired& desired, const Snapshot& snapshot, Documents& all) {
    const auto& machine = snapshot.machine;
    const auto& want = desired.machine;
    const auto list = want.socket ? std::string("none") : want.allowed_cidr;
    const ordered_json wanted = {{"state", "running"}, {"cpus", want.cpus}, {"memoryMiB", want.memory_mib}, {"allowlist", list}, {"differences", ordered_json::array()}};
    ordered_json seen;
    if (machine.row.unknown()) seen = {{"unknown", machine.row.why()}};
    if (machine.row.present()) {
        seen = {{"state", word_of(life_of(machine))}, {"cpus", want.cpus}, {"memoryMiB", want.memory_mib}, {"allowlist", read_allowlist_text(machine.row->data)}, {"differences", ordered_json::array()}};
        for (const auto& problem : compare_row(machine.row->data, want, RowStage::Confined)) {
            if (problem.key == "cpus") seen["cpus"] = problem.text;
            else if (problem.key == "mem") seen["memoryMiB"] = problem.text;
            else seen["differences"].push_back(problem.text);
        }
    }
    all.add("machine", want.name, std::move(seen), wanted);
}

void add_firewall(const Desired& desired, const Snapshot& snapshot, Documents& all) {
    const auto wanted = desired.firewall ? ordered_json({{"uid", desired.firewall->uid}, {"reaches", to_text(*desired.firewall)}}) : ordered_json();
    ordered_json seen;
    if (snapshot.firewall.unknown() && desired.firewall) seen = {{"unknown", snapshot.firewall.why()}};
    if (snapshot.firewall.present()) {
        seen = wanted.is_null() ? ordered_json::object() : wanted;
        const auto difference = desired.firewall ? compare_firewall(*snapshot.firewall, *desired.firewall) : std::string("none is wanted");
        if (!difference.empty()) seen["difference"] = difference;
    }
    all.add("firewall", desired.machine.name, std::move(seen), wanted);
}

/// Of a machine that does not run there is none.
void add_evidence(const Desired& desired, const Snapshot& snapshot, Documents& all) {
    ordered_json wanted = ordered_json::object();
    for (const auto kind : desired.required) wanted[name_of(kind)] = ordered_json::array({name_of(Verdict::Holds)});
    ordered_json seen;
    if (life_of(snapshot.machine) != Life::Dead) {
        seen = ordered_json::object();
        for (const auto kind : desired.required) seen[name_of(kind)] = ordered_json::array();
        for (const auto& evidence : all_evidence(desired, snapshot, diff_host(desired, snapshot))) {
            auto& verdicts = seen[name_of(evidence.kind)];
            const auto text = evidence.verdict == Verdict::Holds ? std::string(name_of(evidence.verdict)) : fmt::format("{}: {}", name_of(evidence.verdict), evidence.reading);
            if (std::find(verdicts.begin(), verdicts.end(), text) == verdicts.end()) verdicts.push_back(text);
        }
    }
    all.add("evidence", desired.machine.name, std::move(seen), std::move(wanted));
}

std::string state_of(const ObservedWorkload& workload) {
    if (std::holds_alternative<WorkloadRunning>(workload.state)) return "running";
    const auto* exited = std::get_if<WorkloadExited>(&workload.state);
    if (exited == nullptr) return "lost: who held it died";
    // One that came to its end by itself is as it should be.
    return exited->code == 0 ? "running" : fmt::format("exited with {}", exited->code);
}

/// What is in the guest's disks of a machine that does not run is of no boot.
void add_copies(const Desired& desired, const Snapshot& snapshot, Documents& all) {
    std::map<std::string, std::string> digests;
    for (const auto& copy : desired.copies) digests[copy.target] = copy.digest;
    ordered_json wanted;
    for (const auto& [target, digest] : digests) wanted[target] = digest;
    ordered_json seen;
    if (!snapshot.stored.present() && !wanted.is_null()) seen = {{"unknown", "our own records could not be read"}};
    if (snapshot.stored.present() && life_of(snapshot.machine) == Life::Alive) {
        for (const auto& [target, digest] : snapshot.stored->copied) seen[target] = digest;
    }
    all.add("files", desired.machine.name, std::move(seen), std::move(wanted));
}

/// Of its words and variables only whether they are others: they may hold a secret.
void add_workload(const Desired& desired, const Snapshot& snapshot, Documents& all) {
    const auto wanted = desired.workload ? ordered_json({{"program", desired.workload->command.front()}, {"user", desired.workload->user}, {"state", "running"}}) : ordered_json();
    ordered_json seen;
    if (snapshot.workload.unknown()) seen = {{"unknown", snapshot.workload.why()}};
    if (snapshot.workload.present()) {
        seen = {{"state", state_of(*snapshot.workload)}};
        if (desired.workload && snapshot.workload->spec_digest == desired.workload_digest) seen = {{"program", wanted["program"]}, {"user", wanted["user"]}, {"state", state_of(*snapshot.workload)}};
        else seen["program"] = "another command, user or environment";
    }
    all.add("agent", desired.machine.name, std::move(seen), wanted);
}

}  // namespace

std::vector<ResourceDocument> differing_documents(const Desired& desired, const Snapshot& snapshot) {
    Documents all(desired.name);
    if (snapshot.docker.present()) {
        add_networks(desired, *snapshot.docker, snapshot.host, all);
        add_volumes(desired, *snapshot.docker, all);
        add_containers(desired, *snapshot.docker, snapshot.host, all);
    }
    add_machine(desired, snapshot, all);
    add_firewall(desired, snapshot, all);
    add_evidence(desired, snapshot, all);
    add_copies(desired, snapshot, all);
    add_workload(desired, snapshot, all);
    return std::move(all).take();
}

}  // namespace bottle
