#include "reconciler/desired.h"

#include "reconciler/agent_files.h"
#include "reconciler/alias.h"
#include "reconciler/allocate.h"
#include "reconciler/diff.h"
#include "reconciler/host_limits.h"
#include "reconciler/proof.h"
#include "reconciler/secrets.h"
#include "reconciler/smolvm_build.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace bottle {
namespace {

constexpr const char* kVersion = "1";  ///< of the label set and of what the labels promise

/// Every tmpfs is bounded, and nothing in it can be executed or become another user.
constexpr const char* kTmpfsOptions = "rw,noexec,nosuid,nodev,mode=1777,size=67108864";

/// Logs of a container can not fill the host's disk.
constexpr const char* kLogDriver = "json-file max-file=2,max-size=8m";

Labels labels_of(const Manifest& manifest, const Snapshot& snapshot, const std::string& component) {
    Labels labels;
    for (const auto& [key, value] : manifest.labels) labels["bottle.label." + key] = value;
    labels[label::kName] = manifest.name;
    labels[label::kComponent] = component;
    labels[label::kOwner] = snapshot.host.owner;
    labels[label::kState] = snapshot.host.state_folder;
    labels[label::kVersion] = kVersion;
    return labels;
}

Network network(const std::string& name, bool internal, const std::string& subnet, Labels labels) {
    Network network;
    network.name = name;
    network.internal = internal;
    network.ipam = {fmt::format("{} {} {}", subnet, gateway_of(subnet), ip_range_of(subnet))};
    network.labels = std::move(labels);
    return network;
}

/// What every container of a bundle has in common: nothing but what is declared.
Container confined_container(const std::string& name) {
    Container container;
    container.name = name;
    container.read_only_rootfs = true;
    container.cap_drop = {"ALL"};
    container.security_opt = {"no-new-privileges"};
    container.ipc_mode = "private";
    container.restart_policy = "no";
    container.runtime = "runc";
    container.log_driver = kLogDriver;
    return container;
}

void set_limits(Container& container, const LimitsSpec& limits) {
    container.memory = limits.memory_bytes;
    container.memory_swap = limits.memory_bytes;
    container.nano_cpus = limits.nano_cpus;
    container.pids_limit = limits.pids;
}

void add_labels(Container& container, const Labels& image, const Labels& ours) {
    container.labels = image;
    for (const auto& [key, value] : ours) container.labels[key] = value;
}

/// Docker's rule: variables of the image, replaced or followed by those given at create.
std::vector<std::string> merged_env(const std::vector<std::string>& image, const std::map<std::string, std::string>& ours) {
    std::map<std::string, std::string> all;
    for (const auto& entry : image) all[entry.substr(0, entry.find('='))] = entry.substr(std::min(entry.find('=') + 1, entry.size()));
    for (const auto& [key, value] : ours) all[key] = value;
    std::vector<std::string> merged;
    for (const auto& [key, value] : all) merged.push_back(key + "=" + value);
    std::sort(merged.begin(), merged.end());
    return merged;
}

std::vector<std::string> tmpfs_of(const ContainerSpec& spec, const Image& image) {
    std::vector<std::string> paths = {"/run", "/tmp"};
    paths.insert(paths.end(), spec.tmpfs.begin(), spec.tmpfs.end());
    // A volume that the image declares and nothing covers would become an anonymous Docker volume that outlives the container.
    for (const auto& path : image.volumes) {
        const bool covered = std::any_of(spec.volumes.begin(), spec.volumes.end(), [&](const VolumeSpec& v) { return v.path == path; });
        if (!covered) paths.push_back(path);
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    std::vector<std::string> tmpfs;
    for (const auto& path : paths) tmpfs.push_back(path + " " + kTmpfsOptions);
    return tmpfs;
}

/// Mode socket: infra's own program makes the socket, and passes each connection on to the proxy in its namespace.
void relay_socket(const Desired& desired, Container& infra) {
    const auto& folder = *desired.socket_folder;
    infra.command = {kSocketPath, std::to_string(desired.ports.front().port)};
    infra.user = fmt::format("{}:{}", folder.uid, folder.gid < 0 ? folder.uid : folder.gid);
    infra.mounts = {fmt::format("bind {}:{}", folder.path, kSocketMount)};
}

/// Mode tsi-loopback: Docker publishes them by way of the external network, as it publishes nothing from an internal one alone (20.10, measured).
void publish(const Desired& desired, Container& infra) {
    infra.published_ports = published_on(desired.dialled, desired.ports);
    std::set<std::string> exposed;
    for (const auto& port : desired.ports) exposed.insert(fmt::format("\"{}/tcp\":{{}}", port.port));
    if (!exposed.empty()) infra.extras["Config.ExposedPorts"] = fmt::format("{{{}}}", fmt::join(exposed, ","));
}

Container infra_container(const Manifest& manifest, const Desired& desired, const Image& image, const Snapshot& snapshot) {
    auto infra = confined_container(container_name(manifest.name, kInfra));
    infra.image_id = image.id;
    infra.entrypoint = image.entrypoint;
    infra.command = image.command;
    infra.env = merged_env(image.env, {});
    infra.user = image.user;
    infra.working_dir = image.working_dir;
    infra.network_mode = network_name(manifest.name);
    infra.networks = {{network_name(manifest.name), "", desired.bundle_address, ""}};
    if (manifest.bundle.external_network) infra.networks.push_back({external_network_name(manifest.name), "", "", ""});
    if (desired.socket_folder) relay_socket(desired, infra);
    infra.extras = image.extras;
    if (desired.mode == NetworkMode::TsiLoopback) publish(desired, infra);
    add_labels(infra, image.labels, labels_of(manifest, snapshot, kInfra));
    infra.labels[label::kImage] = kPauseImage;
    // The pause process needs next to nothing; Docker's smallest memory limit is 6 MiB (20.10).
    set_limits(infra, {32LL * 1024 * 1024, 100'000'000, 16});
    return infra;
}

Container bundle_container(const Manifest& manifest, const ContainerSpec& spec, const Image& image, const Snapshot& snapshot) {
    auto container = confined_container(container_name(manifest.name, spec.name));
    container.image_id = image.id;
    container.entrypoint = spec.entrypoint.value_or(image.entrypoint);
    // Docker drops the image's Cmd when an Entrypoint is given at create.
    container.command = spec.command.value_or(spec.entrypoint ? std::vector<std::string>{} : image.command);
    container.env = merged_env(image.env, spec.env);
    container.user = spec.user.empty() ? image.user : spec.user;
    container.working_dir = image.working_dir;
    container.network_mode = "container:" + container_name(manifest.name, kInfra);
    for (const auto& capability : spec.capabilities) container.cap_add.push_back(capability);
    std::sort(container.cap_add.begin(), container.cap_add.end());
    for (const auto& volume : spec.volumes) {
        container.mounts.push_back(fmt::format("volume {}:{}", volume_name(manifest.name, volume.name), volume.path));
    }
    std::sort(container.mounts.begin(), container.mounts.end());
    container.tmpfs = tmpfs_of(spec, image);
    container.extras = image.extras;
    add_labels(container, image.labels, labels_of(manifest, snapshot, spec.name));
    container.labels[label::kImage] = spec.image;
    set_limits(container, spec.limits);
    return container;
}

/// The whole specification in one text, for the keyed hash that labels carry.
std::string spec_text(const Container& c) {
    std::string text;
    for (const auto& entry : c.env) text += entry + "\n";
    for (const auto* list : {&c.entrypoint, &c.command, &c.cap_add, &c.mounts, &c.tmpfs}) {
        text += "--\n";
        for (const auto& entry : *list) text += entry + "\n";
    }
    for (const auto& port : c.published_ports) text += port + "\n";
    return text + fmt::format("{} {} {} {} {} {}", c.image_id, c.user, c.network_mode, c.memory, c.nano_cpus, c.pids_limit);
}

std::optional<Image> image_or_problem(const std::string& ref, const Place& place, const Snapshot& snapshot, Desired& desired) {
    const auto& images = snapshot.docker->images;
    const auto found = images.find(ref);
    if (found != images.end() && found->second.present()) return found->second.value();
    if (found == images.end() || found->second.unknown()) {
        const std::string why = found == images.end() ? "not looked at" : found->second.why();
        desired.problems.push_back({place, fmt::format("image {}: {}", ref, why), "", ""});
    } else {
        desired.problems.push_back({place, fmt::format("image {} is not on this host, and bottle never pulls one", ref),
                                    fmt::format("docker pull {0}   (or docker load, docker build -t {0})", ref), ""});
    }
    return std::nullopt;
}

/// The infra container's image is ours to import: until it is there, its id is not known, and nothing hangs on that.
Image pause_image(const Snapshot& snapshot) {
    const auto found = snapshot.docker->images.find(kPauseImage);
    if (found != snapshot.docker->images.end() && found->second.present()) return found->second.value();
    return {};
}

void desire_bundle(const Manifest& manifest, const Snapshot& snapshot, const KeyedDigest& digest, Desired& desired) {
    desired.image_refs.push_back(kPauseImage);
    desired.containers.push_back(infra_container(manifest, desired, pause_image(snapshot), snapshot));
    for (const auto& spec : manifest.bundle.containers) {
        for (const auto& volume : spec.volumes) {
            desired.volumes.push_back({volume_name(manifest.name, volume.name), "local", labels_of(manifest, snapshot, "volume"), {}});
        }
        const auto image = image_or_problem(spec.image, spec.image_place, snapshot, desired);
        if (!image) continue;
        desired.image_refs.push_back(spec.image);
        desired.containers.push_back(bundle_container(manifest, spec, *image, snapshot));
    }
    for (auto& container : desired.containers) container.labels[label::kSpecHash] = digest(spec_text(container));
}

Machine machine(const Manifest& manifest, const Desired& desired, const Snapshot& snapshot) {
    Machine machine;
    machine.name = machine_name(manifest.name);
    machine.rootfs = manifest.machine.rootfs;
    machine.cpus = manifest.machine.cpus;
    machine.memory_mib = manifest.machine.memory_mib;
    machine.storage_gib = manifest.machine.storage_gib;
    machine.overlay_gib = manifest.machine.overlay_gib;
    if (desired.socket_folder) machine.socket = MountedSocket{fmt::format("{}/{}", desired.socket_folder->path, kSocketName), kSocketPath};
    else machine.allowed_cidr = desired.dialled + "/32";
    if (desired.mode == NetworkMode::TsiLoopback) {
        machine.tsi = true;
        machine.has_command = tsi_build(snapshot.host.accepted_smolvm, {}).command_at_create;
    }
    // The row is no place for the user's labels: changing one would need a stop. Ours say whose machine it is.
    machine.labels = {{label::kName, manifest.name}, {label::kOwner, snapshot.host.owner}, {label::kVersion, kVersion}};
    return machine;
}

void desire_image(const Manifest& manifest, const Snapshot& snapshot, Desired& desired) {
    auto& source = desired.image_source;
    source = image_source_of(manifest.machine, snapshot.host.euid);
    if (source.empty()) return;
    desired.machine.rootfs = image_copy_folder(snapshot.host.state_folder, manifest.name, snapshot.host.euid);
    if (source.kind == ImageSource::Kind::Rootfs) return;
    if (source.kind != ImageSource::Kind::Docker) {
        if (snapshot.machine.source_id.present()) source.id = *snapshot.machine.source_id;
    } else if (snapshot.docker.present()) {
        const auto image = image_or_problem(source.from, manifest.machine.image_place, snapshot, desired);
        if (image) source.id = image->id;
    }
}

std::map<std::string, std::string> guest_env(const Manifest& manifest, const Desired& desired) {
    std::map<std::string, std::string> env;
    const auto proxy = std::find_if(desired.ports.begin(), desired.ports.end(), [](const BundlePort& port) { return port.name == kProxyPort; });
    if (proxy != desired.ports.end()) {
        // Without a network it is our forwarder that listens, on the guest's own loopback.
        const auto url = fmt::format("http://{}:{}", desired.socket_folder ? "127.0.0.1" : desired.dialled, proxy->port);
        for (const auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) env[name] = url;
    }
    // The bundle itself is spoken to directly: its other ports are no business of the proxy.
    const auto direct = "localhost,127.0.0.1" + (desired.socket_folder ? std::string() : "," + desired.dialled);
    for (const auto* name : {"NO_PROXY", "no_proxy"}) env[name] = direct;
    for (const auto& [key, value] : manifest.agent.env) env[key] = value;
    return env;
}

/// Whether the machine of this bottle runs, or may, behind rules that were read back before its start.
bool started_behind_firewall(const Snapshot& snapshot) {
    return life_of(snapshot.machine) != Life::Dead && snapshot.stored.present() && snapshot.stored->start && snapshot.stored->start->firewalled;
}

void desire_firewall(const Manifest& manifest, const Snapshot& snapshot, Desired& desired) {
    const auto& policy = manifest.network.firewall;
    std::string why;
    if (policy == "off") why = "the manifest says so";
    else if (desired.allocation.vmm_uid == 0) why = "the machine has no uid of its own";
    // A wall that stood and can not be read any more is a doubt, and no reason to do without.
    else if (snapshot.firewall.unknown() && !started_behind_firewall(snapshot)) why = snapshot.firewall.why();
    if (why.empty()) {
        FirewallRules rules{desired.allocation.vmm_uid, {}, {}};
        if (!desired.socket_folder) {
            rules.address = desired.dialled;
            for (const auto& port : desired.ports) rules.ports.push_back(port.port);
        }
        std::sort(rules.ports.begin(), rules.ports.end());
        desired.firewall = std::move(rules);
        return;
    }
    desired.no_firewall = why;
    if (policy != "required") return;
    desired.problems.push_back({manifest.network.firewall_place, "a firewall is required, and this host has none for the machine: " + why,
                                "modprobe nf_tables nft_reject_inet, as root; or network.firewall: auto", ""});
}

/// (The loader has refused what does not fit at its line.)
void desire_socket(const Manifest& manifest, const Snapshot& snapshot, Desired& desired) {
    const auto refuse = [&](std::string text, std::string hint) { desired.problems.push_back({manifest.network.mode_place, std::move(text), std::move(hint), ""}); };
    std::vector<std::string> names;
    for (const auto& port : desired.ports) names.push_back(port.name);
    if (const auto problems = check_socket_ports(names); !problems.empty()) return refuse(problems.front().text, problems.front().hint);
    const auto path = socket_folder_path(desired.allocation, snapshot.host.state_folder, manifest.name);
    // smolvm and Docker read paths up to a colon.
    if (path.find(':') != std::string::npos) return refuse(fmt::format("the mounted socket's folder {} has a colon in its path", path), "export XDG_STATE_HOME=…   without one");
    const auto uid = desired.allocation.vmm_uid;
    if (uid != 0) desired.socket_folder = SocketFolder{path, infra_uid_of(uid), uid};
    else desired.socket_folder = SocketFolder{path, snapshot.host.euid, -1};
}

std::string workload_text(const Workload& workload) {
    std::string text = workload.user;
    for (const auto& argument : workload.command) text += '\0' + argument;
    for (const auto& [key, value] : workload.env) text += '\0' + key + "=" + value;
    // Their names: another value is told as that.
    for (const auto& [key, name] : workload.secrets) text += std::string("\0secret\0", 8) + key + "=" + name;
    return text;
}

}  // namespace

std::string network_name(const std::string& bottle) {
    return "bottle-" + bottle;
}
std::string external_network_name(const std::string& bottle) {
    return "bottle-" + bottle + "-external";
}
std::string container_name(const std::string& bottle, const std::string& container) {
    return "bottle-" + bottle + "-" + container;
}
std::string volume_name(const std::string& bottle, const std::string& volume) {
    return "bottle-" + bottle + "-" + volume;
}
std::string machine_name(const std::string& bottle) {
    return "bottle-" + bottle;
}
std::string socket_folder_path(const Allocation& allocation, const std::string& state_folder, const std::string& bottle) {
    return allocation.vmm_uid != 0 ? fmt::format("/run/bottle/{}", allocation.vmm_uid) : state_folder + "/bottles/" + bottle + "/socket";
}
std::string image_copy_folder(const std::string& state_folder, const std::string& bottle, std::int64_t euid) {
    return euid == 0 ? state_folder + "/images/" + bottle + "/rootfs" : state_folder + "/bottles/" + bottle + "/image";
}
std::string to_text(const ImageSource& source) {
    return source.id.empty() ? source.from : fmt::format("{} ({})", source.from, short_id(source.id));
}
const char* name_of(ImageSource::Kind kind) {
    switch (kind) {
        case ImageSource::Kind::Rootfs: return "rootfs";
        case ImageSource::Kind::Docker: return "docker";
        case ImageSource::Kind::Archive: return "archive";
        case ImageSource::Kind::Pack: break;
    }
    return "pack";
}
ImageSource image_source_of(const MachineSpec& spec, std::int64_t euid) {
    if (!spec.docker.empty()) return {ImageSource::Kind::Docker, spec.docker};
    if (!spec.archive.empty()) return {ImageSource::Kind::Archive, spec.archive};
    if (!spec.pack.empty()) return {ImageSource::Kind::Pack, spec.pack};
    // Without root the VMM has the user's uid, and could write in any folder that the user can: it gets one of its own.
    return euid == 0 ? ImageSource{} : ImageSource{ImageSource::Kind::Rootfs, spec.rootfs};
}

Desired desire(const Manifest& manifest, const HostPolicy& policy, const Allocation& allocation, const Snapshot& snapshot, const KeyedDigest& digest) {
    Desired desired;
    desired.name = manifest.name;
    desired.place = manifest.place;
    auto choice = choose_network_mode(manifest.network, policy, snapshot.host);
    desired.mode = choice.mode;
    desired.mode_why = std::move(choice.why);
    desired.problems = std::move(choice.problems);
    desired.not_allowed = beyond_limits(manifest, policy);
    desired.allocation = allocation;
    desired.bundle_address = bundle_address_of(allocation.internal_subnet);
    desired.dialled = desired.mode == NetworkMode::TsiLoopback ? allocation.alias : desired.bundle_address;
    if (desired.mode == NetworkMode::TsiLoopback && !desired.problems.empty()) desired.forbidden = desired.problems.front().text;
    desired.user = manifest.machine.user;
    desired.vmm_uid = vmm_uid_of(allocation, snapshot.host.euid);
    desired.networks.push_back(network(network_name(manifest.name), true, allocation.internal_subnet,
                                       labels_of(manifest, snapshot, "internal-network")));
    if (manifest.bundle.external_network) {
        desired.networks.push_back(network(external_network_name(manifest.name), false, allocation.external_subnet,
                                           labels_of(manifest, snapshot, "external-network")));
    }
    // Also while Docker cannot be read: the firewall's rules and the proof are of these ports.
    for (const auto& spec : manifest.bundle.containers) {
        for (const auto& port : spec.ports) desired.ports.push_back({spec.name, port.name, port.port});
    }
    if (desired.mode == NetworkMode::Socket) desire_socket(manifest, snapshot, desired);
    if (snapshot.docker.present()) desire_bundle(manifest, snapshot, digest, desired);
    desired.machine = machine(manifest, desired, snapshot);
    desire_image(manifest, snapshot, desired);
    desire_firewall(manifest, snapshot, desired);
    desired.guest_env = guest_env(manifest, desired);
    if (!manifest.agent.command.empty()) {
        desired.workload = Workload{manifest.agent.command, desired.guest_env, manifest.machine.user, {}};
    }
    desire_agent_files(manifest, snapshot, desired);
    desire_secrets(manifest, policy, snapshot, desired);
    if (desired.workload) desired.workload_digest = digest(workload_text(*desired.workload));
    desired.required = {EvidenceKind::Row, EvidenceKind::Process, EvidenceKind::Config, EvidenceKind::Bundle, EvidenceKind::Guest};
    if (desired.firewall) desired.required.push_back(EvidenceKind::Firewall);
    return desired;
}

}  // namespace bottle
