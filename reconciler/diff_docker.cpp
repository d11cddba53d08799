#include "reconciler/diff.h"

#include "reconciler/alias.h"
#include "reconciler/socket_place.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

using What = Change::What;

const char* kOtherName = "has our name and none of our labels: bottle did not make it and never touches it";

Change change(What what, std::string kind, std::string name, std::string id, std::string cause, Reach reach = Reach::Same) {
    Change change;
    change.what = what;
    change.kind = std::move(kind);
    change.name = std::move(name);
    change.id = std::move(id);
    change.cause = std::move(cause);
    change.reach = reach;
    return change;
}

std::string label_of(const Labels& labels, const char* key) {
    const auto found = labels.find(key);
    return found == labels.end() ? std::string() : found->second;
}

/// Whose it is, for things that carry one of our names; nothing when it is this bottle's own.
std::optional<Change> foreign(const std::string& kind, const std::string& name, const std::string& id, const Labels& is,
                              const Labels& want) {
    if (label_of(is, label::kName) != label_of(want, label::kName) || label_of(is, label::kOwner).empty()) {
        return change(What::Unmanaged, kind, name, id, kOtherName);
    }
    for (const auto* key : {label::kOwner, label::kState}) {
        if (label_of(is, key) == label_of(want, key)) continue;
        return change(What::Orphan, kind, name, id,
                      fmt::format("was made by another owner of bottle, whose state is in {}", label_of(is, label::kState)));
    }
    return std::nullopt;
}

bool running(const ObservedContainer& container) {
    return container.status == "running";
}

/// Docker's times in a form that sorts: it drops trailing zeros of the fraction ("…05.12Z").
std::string sortable(const std::string& time) {
    auto digits = time.substr(0, time.find('Z'));
    if (digits.find('.') == std::string::npos) digits += '.';
    constexpr std::size_t kNanoseconds = std::string_view("2006-01-02T15:04:05.000000000").size();
    digits.resize(std::max(digits.size(), kNanoseconds), '0');
    return digits;
}

/// Made by us from an earlier manifest or image: what it runs is old, but was as it should be then.
bool outdated(const ObservedContainer& container, const Container& want) {
    return label_of(container.is.labels, label::kSpecHash) != label_of(want.labels, label::kSpecHash);
}

bool is_program(const std::string& field) {
    return field == "Image" || field.rfind("Config.", 0) == 0 || field == "Entrypoint" || field == "Cmd" || field == "Env" || field == "User";
}

// --- networks ---

/// In words, of a container that is not ours.
std::string whose(const Desired& desired, const DockerView& view, const std::string& id) {
    const auto container = std::find_if(view.containers.begin(), view.containers.end(), [&](const auto& c) { return c.id == id; });
    const auto name = container == view.containers.end() ? std::string() : label_of(container->is.labels, label::kName);
    return name.empty() || name == desired.name ? "is none of this bundle" : "is bottle " + printable(name) + "'s";
}

void diff_endpoints(const Desired& desired, const Network& want, const ObservedNetwork& network, const DockerView& view,
                    std::vector<Change>& changes) {
    if (!network.endpoints.present()) {
        const auto why = network.endpoints.unknown() ? network.endpoints.why() : "it vanished";
        changes.push_back(change(What::Stranger, "network", want.name, network.id, "who sits on it is not known: " + why, Reach::Wider));
        return;
    }
    const auto* infra = find_container(view, desired.containers.front().name);
    for (const auto& endpoint : *network.endpoints) {
        if (infra != nullptr && endpoint.container_id == infra->id) continue;
        auto stranger = change(What::Stranger, "network", want.name, network.id,
                               fmt::format("container {} ({}) also sits on it, and {}: it and the bundle reach each other", printable(endpoint.container_name),
                                           printable(endpoint.ipv4), whose(desired, view, endpoint.container_id)),
                               Reach::Wider);
        stranger.network_id = network.id;
        stranger.container_id = endpoint.container_id;
        changes.push_back(std::move(stranger));
    }
}

void diff_one_network(const Desired& desired, const Network& want, const DockerView& view, std::vector<Change>& changes) {
    std::vector<const ObservedNetwork*> named;
    for (const auto& network : view.networks) {
        if (network.is.name == want.name) named.push_back(&network);
    }
    if (named.empty()) {
        changes.push_back(change(What::Missing, "network", want.name, "", "absent", want.internal ? Reach::Wider : Reach::Same));
        return;
    }
    // Docker allows two networks of one name (20.10); addresses and routes then depend on which one is meant.
    for (const auto* network : named) {
        if (auto other = foreign("network", want.name, network->id, network->is.labels, want.labels)) {
            other->reach = Reach::Wider;
            changes.push_back(std::move(*other));
            continue;
        }
        if (named.size() > 1) {
            changes.push_back(change(What::Differs, "network", want.name, network->id, "there are two networks of this name", Reach::Wider));
            continue;
        }
        for (auto& difference : diff_network(want, network->is, network->id)) changes.push_back(std::move(difference));
        diff_endpoints(desired, want, *network, view, changes);
    }
}

void diff_unwanted_networks(const Desired& desired, const DockerView& view, std::vector<Change>& changes) {
    const auto& ours = desired.networks.front().labels;
    for (const auto& network : view.networks) {
        const bool wanted = std::any_of(desired.networks.begin(), desired.networks.end(), [&](const Network& n) { return n.name == network.is.name; });
        if (wanted || foreign("network", network.is.name, network.id, network.is.labels, ours)) continue;
        changes.push_back(change(What::Unwanted, "network", network.is.name, network.id, "not in the manifest", Reach::Wider));
    }
}

// --- containers ---

/// Infra's networks are compared one by one: each can be repaired by itself.
void diff_attachments(const Container& want, const ObservedContainer& is, const DockerView& view, std::vector<Change>& changes) {
    for (const auto& attachment : want.networks) {
        const auto found = std::find_if(is.is.networks.begin(), is.is.networks.end(), [&](const Attachment& a) { return a.network == attachment.network; });
        const auto* network = find_network(view, attachment.network);
        const bool gone = network == nullptr;
        if (found == is.is.networks.end()) {
            // Off the internal network nothing of ours holds the bundle address; without the external one there is only less reach.
            auto detached = change(What::Detached, "container", want.name, is.id, fmt::format("is not on network {}", attachment.network),
                                   attachment.ipv4.empty() ? Reach::Same : Reach::Wider);
            detached.network = attachment.network;
            if (!gone) detached.network_id = network->id;
            changes.push_back(std::move(detached));
        } else if ((!gone && !found->network_id.empty() && found->network_id != network->id) || found->ipv4 != attachment.ipv4) {
            changes.push_back(change(What::Differs, "container", want.name, is.id,
                                     fmt::format("its place on network {} is another than it shall be", attachment.network), Reach::Wider));
        }
    }
    for (const auto& attachment : is.is.networks) {
        const bool wanted = std::any_of(want.networks.begin(), want.networks.end(), [&](const Attachment& a) { return a.network == attachment.network; });
        if (wanted) continue;
        auto stranger = change(What::Stranger, "container", want.name, is.id,
                               fmt::format("is also on network {}{}: a second way out", printable(attachment.network),
                                           attachment.address.empty() ? "" : " at " + printable(attachment.address)),
                               Reach::Wider);
        stranger.network_id = attachment.network_id.empty() ? attachment.network : attachment.network_id;
        stranger.container_id = is.id;
        changes.push_back(std::move(stranger));
    }
}

/// Why it runs another image: names are the manifest's, as the container's label and the desired one have them.
std::string image_cause(const Container& want, const ObservedContainer& is) {
    const auto reference = label_of(want.labels, label::kImage);
    const auto before = label_of(is.is.labels, label::kImage);
    const auto now = want.image_id.empty() ? "gone" : short_id(want.image_id);
    const auto runs = short_id(is.is.image_id);
    if (!outdated(is, want)) return fmt::format("runs image {}, which is not {} ({}): other code than the manifest names", runs, reference, now);
    if (before != reference) return fmt::format("runs {} ({}), and the manifest names {} ({})", before, runs, reference, now);
    return fmt::format("the tag {} moved from {} to {}: it runs the old image", reference, runs, now);
}

/// Where on this host a port of infra is open, and to whom.
std::string ports_cause(const Container& want, const Container& is, const std::string& otherwise) {
    for (const auto& port : is.published_ports) {
        if (std::find(want.published_ports.begin(), want.published_ports.end(), port) != want.published_ports.end()) continue;
        const auto arrow = port.find(" -> ");
        const auto address = arrow == std::string::npos ? std::string() : port.substr(arrow + 4, port.rfind(':') - arrow - 4);
        if (address.empty() || address == "0.0.0.0" || address == "::") {
            return fmt::format("publishes {} on every address of this host: whoever reaches the host reaches the bundle", printable(port));
        }
    }
    return otherwise;
}

void diff_one_container(const Container& want, const ObservedContainer* infra, const DockerView& view, std::vector<Change>& changes) {
    const auto* is = find_container(view, want.name);
    const bool is_infra = infra == nullptr || want.name == infra->is.name;
    if (is == nullptr) {
        // Without infra nothing of ours holds the bundle address.
        const bool holds_address = !want.networks.empty();
        changes.push_back(change(What::Missing, "container", want.name, "", "absent", holds_address ? Reach::Wider : Reach::Same));
        return;
    }
    if (auto other = foreign("container", want.name, is->id, is->is.labels, want.labels)) {
        other->reach = Reach::Wider;
        changes.push_back(std::move(*other));
        return;
    }
    auto seen = is->is;
    seen.networks = want.networks;
    for (auto& difference : diff_container(want, seen, is->id)) {
        if (outdated(*is, want) && is_program(difference.field)) difference.reach = Reach::Same;
        if (difference.field == "Image") difference.cause = image_cause(want, *is);
        if (difference.field == "PortBindings" && !want.published_ports.empty()) difference.cause = ports_cause(want, is->is, difference.cause);
        changes.push_back(std::move(difference));
    }
    diff_attachments(want, *is, view, changes);
    if (!running(*is)) {
        auto cause = fmt::format("{}{}", is->status, is->status == "exited" ? fmt::format(" with {}", is->exit_code) : "");
        if (!is->error.empty()) cause += ": " + printable(is->error);
        changes.push_back(change(What::NotRunning, "container", want.name, is->id, cause, want.networks.empty() ? Reach::Same : Reach::Wider));
    } else if (!is_infra && (sortable(is->started_at) < sortable(infra->started_at) || sortable(is->created_at) < sortable(infra->created_at))) {
        // Docker goes on saying "running", and nobody answers (20.10): only the order of the starts shows it.
        changes.push_back(change(What::Stale, "container", want.name, is->id, "older than the start of infra: it sits in a dead network namespace"));
    }
}

void diff_unwanted_containers(const Desired& desired, const DockerView& view, std::vector<Change>& changes) {
    const auto& ours = desired.containers.front().labels;
    for (const auto& container : view.containers) {
        const bool wanted = std::any_of(desired.containers.begin(), desired.containers.end(), [&](const Container& c) { return c.name == container.is.name; });
        if (wanted || foreign("container", container.is.name, container.id, container.is.labels, ours)) continue;
        changes.push_back(change(What::Unwanted, "container", container.is.name, container.id, "not in the manifest", Reach::Wider));
    }
}

void diff_volumes(const Desired& desired, const DockerView& view, std::vector<Change>& changes) {
    for (const auto& want : desired.volumes) {
        const auto is = std::find_if(view.volumes.begin(), view.volumes.end(), [&](const Volume& v) { return v.name == want.name; });
        if (is == view.volumes.end()) {
            changes.push_back(change(What::Missing, "volume", want.name, "", "absent"));
        } else if (auto other = foreign("volume", want.name, want.name, is->labels, want.labels)) {
            changes.push_back(std::move(*other));
        } else if (is->driver != want.driver || is->options != want.options) {
            // Its files are the user's: it is not made anew.
            auto elsewhere = change(What::Shared, "volume", want.name, want.name, "has a driver or options of its own: its files lie in another place, which may be any of this host",
                                    Reach::Wider);
            elsewhere.hint = "docker volume inspect " + want.name + "   shows them; save its files and remove it, then apply again";
            changes.push_back(std::move(elsewhere));
        }
    }
}

}  // namespace

std::string short_id(const std::string& image_id) {
    constexpr std::size_t kShown = std::string_view("sha256:").size() + 12;
    return image_id.substr(0, kShown);
}

bool is_ours(const Labels& labels, const std::string& bottle, const HostFacts& host) {
    return label_of(labels, label::kName) == bottle && !host.owner.empty() && label_of(labels, label::kOwner) == host.owner &&
           label_of(labels, label::kState) == host.state_folder;
}

bool is_orphan(const Labels& labels, const std::string& bottle, const HostFacts& host) {
    return label_of(labels, label::kName) == bottle && !label_of(labels, label::kOwner).empty() && !is_ours(labels, bottle, host);
}

std::vector<Change> diff_docker(const Desired& desired, const DockerView& view) {
    std::vector<Change> changes;
    for (const auto& network : desired.networks) diff_one_network(desired, network, view, changes);
    diff_unwanted_networks(desired, view, changes);
    diff_volumes(desired, view, changes);
    const auto* infra = find_container(view, desired.containers.front().name);
    for (const auto& container : desired.containers) diff_one_container(container, infra, view, changes);
    diff_unwanted_containers(desired, view, changes);
    return changes;
}

std::vector<Change> diff_host(const Desired& desired, const Snapshot& snapshot) {
    auto changes = diff_sharing(desired, snapshot);
    if (!snapshot.docker.present() || desired.containers.empty()) return changes;
    for (auto& change : diff_carriers(desired, *snapshot.docker, snapshot.host.carriers)) changes.push_back(std::move(change));
    for (auto& change : diff_docker(desired, *snapshot.docker)) changes.push_back(std::move(change));
    for (auto& change : diff_alias(desired, snapshot)) changes.push_back(std::move(change));
    for (auto& change : diff_socket_place(desired, snapshot)) changes.push_back(std::move(change));
    return changes;
}

std::string in_words(const Change& change) {
    return change.kind == "bottle" ? change.cause : fmt::format("{} {}: {}", change.kind, change.name, change.cause);
}

}  // namespace bottle
