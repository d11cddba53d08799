#include "controllers/docker/docker_controller.h"

#include "controllers/docker/docker_decode.h"
#include "controllers/docker/json_reader.h"
#include "controllers/docker/pause_image.h"
#include "controllers/docker/requests.h"
#include "controllers/guest/guest_files.h"
#include "controllers/process/network_namespace.h"
#include "manifests/error.h"
#include "reconciler/desired.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

/// A look that raced with somebody's change: taken again, once.
struct Vanished {};

bool is_named_ours(const std::string& name, const std::string& bottle) {
    const auto prefix = network_name(bottle);
    return name == prefix || name.rfind(prefix + "-", 0) == 0;
}

bool has_our_label(const Labels& labels, const std::string& bottle) {
    const auto found = labels.find(label::kName);
    return found != labels.end() && found->second == bottle;
}

/// "bottle-docs-writer" starts with bottle-docs- and is another bottle's: its label says so.
bool is_anothers(const Labels& labels, const std::string& bottle) {
    const auto found = labels.find(label::kName);
    return found != labels.end() && found->second != bottle;
}

bool concerns(const std::string& name, const Labels& labels, const std::string& bottle) {
    return has_our_label(labels, bottle) || (is_named_ours(name, bottle) && !is_anothers(labels, bottle));
}

std::string network_name_of(const std::string& id, const std::vector<ObservedNetwork>& networks) {
    for (const auto& network : networks) {
        if (network.id == id) return network.is.name;
    }
    return id;
}

/// Ids that Docker shows become names, in which desired state is written.
void name_networks(Container& container, const std::vector<ObservedNetwork>& networks, const std::vector<ContainerSummary>& containers) {
    constexpr std::string_view kJoined = "container:";
    if (container.network_mode.rfind(kJoined, 0) == 0) {
        const auto id = container.network_mode.substr(kJoined.size());
        for (const auto& other : containers) {
            if (other.id == id) container.network_mode = std::string(kJoined) + other.name;
        }
    } else {
        container.network_mode = network_name_of(container.network_mode, networks);
    }
    for (auto& attachment : container.networks) {
        // Until the first start the map's key is what was given at create, and there may be no id beside it.
        if (attachment.network_id.empty()) {
            for (const auto& network : networks) {
                if (network.id == attachment.network || network.is.name == attachment.network) attachment.network_id = network.id;
            }
        }
        attachment.network = network_name_of(attachment.network, networks);
    }
    std::sort(container.networks.begin(), container.networks.end(), [](const Attachment& a, const Attachment& b) { return a.network < b.network; });
}

const ObservedNetwork* network_of(const DockerView& view, const std::string& name_or_id) {
    const ObservedNetwork* found = nullptr;
    for (const auto& network : view.networks) {
        if (network.id == name_or_id) return &network;
        if (network.is.name == name_or_id) found = &network;
    }
    return found;
}

std::string container_id(const DockerView& view, const std::string& name_or_id) {
    const auto* named = find_container(view, name_or_id);
    return named == nullptr ? name_or_id : named->id;
}

Outcome failed(std::string text) {
    return {Outcome::Kind::Failed, std::move(text), ""};
}

}  // namespace

std::string DockerController::get(const std::string& path) {
    const auto answer = engine_.call("GET", path);
    if (answer.answered() && answer.status == 404) throw Vanished{};
    if (!answer.succeeded()) throw Error(Exit::Failed, describe(answer, engine_.socket()));
    return answer.body;
}

Observation<Image> DockerController::image(const std::string& reference) {
    // A slash or colon of the reference stays as it is; nothing else that could end the path does.
    if (reference.find_first_of("?#% ") != std::string::npos) return Unknown{"it is no image reference"};
    const auto answer = engine_.call("GET", fmt::format("/images/{}/json", reference));
    if (answer.answered() && answer.status == 404) return Absent{};
    if (!answer.succeeded()) return Unknown{describe(answer, engine_.socket())};
    auto image = decode_image(answer.body);
    if (reference == kPauseImage && !is_pause_image(image)) return Absent{};
    return image;
}

ObservedContainer DockerController::container(const std::string& id) {
    return decode_container(get(fmt::format("/containers/{}/json", url_encoded(id))));
}

Observation<DockerView> DockerController::observe(const Scope& scope) {
    constexpr int kLooks = 3;
    for (int look = 0; look < kLooks; ++look) {
        try {
            DockerView view;
            view.networks = decode_networks(get("/networks"));
            const auto listed = decode_container_list(get("/containers/json?all=1"));
            std::vector<std::string> our_networks;
            for (auto& network : view.networks) {
                if (!concerns(network.is.name, network.is.labels, scope.bottle)) continue;
                our_networks.push_back(network.is.name);
                network.endpoints = decode_endpoints(get("/networks/" + url_encoded(network.id)));
            }
            for (const auto& summary : listed) {
                const bool on_ours = std::any_of(summary.networks.begin(), summary.networks.end(), [&](const std::string& name) {
                    return std::find(our_networks.begin(), our_networks.end(), name) != our_networks.end();
                });
                if (!on_ours && !concerns(summary.name, summary.labels, scope.bottle)) continue;
                auto seen = container(summary.id);
                name_networks(seen.is, view.networks, listed);
                view.containers.push_back(std::move(seen));
            }
            // The list shows what is published now, and nothing of a container that is stopped (20.10).
            for (const auto& summary : listed) {
                if (!scope.tsi_loopback) break;
                for (auto& port : decode_published(get(fmt::format("/containers/{}/json", url_encoded(summary.id))))) view.published.push_back(std::move(port));
            }
            for (auto& volume : decode_volumes(get("/volumes"))) {
                if (concerns(volume.name, volume.labels, scope.bottle)) view.volumes.push_back(std::move(volume));
            }
            for (const auto& reference : scope.image_refs) view.images[reference] = image(reference);
            return view;
        } catch (const Vanished&) {
            continue;
        } catch (const Error& error) {
            return Unknown{error.what()};
        }
    }
    return Unknown{"its containers and networks change faster than they can be looked at"};
}

Outcome DockerController::outcome(const EngineAnswer& answer, std::initializer_list<int> also_done) {
    if (answer.succeeded()) return {};
    if (answer.answered() && std::find(also_done.begin(), also_done.end(), answer.status) != also_done.end()) return {};
    const bool again = answer.failure == EngineAnswer::Failure::NotReachable || answer.failure == EngineAnswer::Failure::TimedOut;
    return {again ? Outcome::Kind::Retry : Outcome::Kind::Failed, describe(answer, engine_.socket()), ""};
}

Outcome DockerController::act(const ImportPauseImage&, const DockerView&) {
    return outcome(engine_.call("POST", pause_import_path(), pause_tar(), "application/x-tar"));
}

Outcome DockerController::act(const CreateVolume& action, const DockerView&) {
    return outcome(engine_.call("POST", "/volumes/create", volume_body(action.volume)));
}

Outcome DockerController::act(const RemoveVolume& action, const DockerView&) {
    return outcome(engine_.call("DELETE", "/volumes/" + url_encoded(action.name)), {404});
}

Outcome DockerController::act(const CreateNetwork& action, const DockerView&) {
    return outcome(engine_.call("POST", "/networks/create", network_body(action.network)));
}

Outcome DockerController::act(const RemoveNetwork& action, const DockerView&) {
    return outcome(engine_.call("DELETE", "/networks/" + url_encoded(action.id)), {404});
}

Outcome DockerController::act(const CreateContainer& action, const DockerView& view) {
    constexpr std::string_view kJoined = "container:";
    const auto& mode = action.container.network_mode;
    std::string network_id;
    std::string joined_id;
    if (mode.rfind(kJoined, 0) == 0) {
        joined_id = container_id(view, mode.substr(kJoined.size()));
    } else {
        const auto* network = network_of(view, mode);
        if (network == nullptr) return failed("network " + mode + " is not there");
        network_id = network->id;
    }
    return outcome(engine_.call("POST", "/containers/create?name=" + url_encoded(action.container.name), container_body(action.container, network_id, joined_id)));
}

Outcome DockerController::act(const ConnectNetwork& action, const DockerView& view) {
    const auto* network = network_of(view, action.network_id);
    if (network == nullptr) return failed("network " + action.network_id + " is not there");
    return outcome(engine_.call("POST", fmt::format("/networks/{}/connect", url_encoded(network->id)), connect_body(container_id(view, action.container_id), action.ipv4)));
}

Outcome DockerController::act(const DisconnectNetwork& action, const DockerView& view) {
    const auto* network = network_of(view, action.network_id);
    if (network == nullptr) return failed("network " + action.network_id + " is not there");
    const auto body = fmt::format("{{\"Container\":\"{}\",\"Force\":true}}", url_encoded(action.container_id));
    return outcome(engine_.call("POST", fmt::format("/networks/{}/disconnect", url_encoded(network->id)), body), {404});
}

Outcome DockerController::act(const StartContainer& action, const DockerView& view) {
    return outcome(engine_.call("POST", fmt::format("/containers/{}/start", url_encoded(container_id(view, action.id)))), {304});
}

Outcome DockerController::act(const RemoveContainer& action, const DockerView&) {
    return outcome(engine_.call("DELETE", fmt::format("/containers/{}?force=1&v=1", url_encoded(action.id))), {404});
}

Outcome DockerController::act(const RemoveImage& action, const DockerView&) {
    // 409: another bottle's infra uses it.
    return outcome(engine_.call("DELETE", "/images/" + action.id), {404, 409});
}

Outcome DockerController::save_image(const std::string& id, int fd, std::uint64_t cap) {
    std::string problem;
    const auto answer = engine_.download(fmt::format("/images/{}/get", url_encoded(id)), [&](const char* data, std::size_t size) {
        if (size > cap) problem = "it has more bytes than any image of a machine's";
        else if (!write_all(fd, {data, size})) problem = std::strerror(errno);
        cap -= std::min<std::uint64_t>(size, cap);
        return problem.empty();
    });
    if (problem.empty()) return outcome(answer);
    return failed("Docker's image could not be written down: " + problem);
}

PreflightFacts::Docker DockerController::facts() {
    PreflightFacts::Docker facts;
    facts.address = engine_.socket();
    const auto answer = engine_.call("GET", "/info");
    if (!answer.succeeded()) {
        facts.problem = describe(answer, engine_.socket());
        facts.not_permitted = answer.failure == EngineAnswer::Failure::NotPermitted;
        facts.refused = answer.failure == EngineAnswer::Failure::Refused;
        return facts;
    }
    const auto info = decode_info(answer.body);
    facts.rootless = info.rootless;
    facts.desktop = info.desktop;
    facts.host = info.host;

    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, engine_.socket().c_str(), sizeof address.sun_path - 1);
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    close(fd);
    facts.socket_owner = known ? peer.uid : -1;
    facts.same_network_namespace = known ? shares_our_network(peer.pid) : std::nullopt;
    return facts;
}

Observation<std::set<std::string>> DockerController::bottles_of(const std::string& owner, const std::string& state_folder) {
    std::set<std::string> names;
    const auto add = [&](const Labels& labels) {
        const auto value = [&](const char* name) { return labels.count(name) > 0 ? labels.at(name) : std::string(); };
        if (value(label::kOwner) == owner && value(label::kState) == state_folder && !value(label::kName).empty()) names.insert(value(label::kName));
    };
    try {
        for (const auto& container : decode_container_list(get("/containers/json?all=1"))) add(container.labels);
        for (const auto& network : decode_networks(get("/networks"))) add(network.is.labels);
        for (const auto& volume : decode_volumes(get("/volumes"))) add(volume.labels);
    } catch (const Vanished&) {
        return Unknown{"Docker does not know its own lists"};
    } catch (const Error& error) {
        return Unknown{error.what()};
    }
    return names;
}

std::int64_t DockerController::pid_of(const std::string& id) {
    const auto answer = engine_.call("GET", fmt::format("/containers/{}/json", url_encoded(id)));
    if (!answer.succeeded()) return 0;
    return JsonReader(parse_answer(answer.body, "container"), "container").object("State").number("Pid");
}

ContainerLog DockerController::log(const std::string& name, std::optional<int> tail, const std::string& since) {
    auto path = fmt::format("/containers/{}/logs?stdout=1&stderr=1&timestamps=1&tail={}", url_encoded(name), tail ? std::to_string(*tail) : "all");
    if (!since.empty()) path += "&since=" + since;
    const auto answer = engine_.call("GET", path);
    if (!answer.succeeded()) throw Error(Exit::Failed, describe(answer, engine_.socket()));
    return read_container_log(answer.body);
}

}  // namespace bottle
