#include "manifests/decode.h"

#include "manifests/agent_files.h"
#include "manifests/network_mode.h"
#include "manifests/paths.h"
#include "manifests/quantity.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

namespace bottle {
namespace {

using nlohmann::json;

constexpr std::int64_t kMebi = 1LL << 20;
constexpr std::int64_t kGibi = 1024 * kMebi;

/// With any of these a container could leave its network namespace or the host's protections.
const std::set<std::string> kForbiddenCapabilities = {"ALL", "SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT",
                                                      "DAC_READ_SEARCH", "BPF", "PERFMON", "MAC_ADMIN", "MAC_OVERRIDE", "SYSLOG"};
/// bottle's own: they lead to the bundle.
const std::set<std::string> kOwnVariables = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"};

class Decoder {
public:
    Decoder(const YamlDocument& document, const Sources& sources, const std::string& folder, std::vector<Problem>& problems)
        : document_(document), sources_(sources), folder_(folder), problems_(problems) {}

    Manifest manifest() {
        Manifest m;
        m.place = place("/metadata/name");
        m.place.column = 1;
        if (document_.keys.count("/apiVersion") > 0) m.place.line = document_.keys.at("/apiVersion").line;
        m.name = text("/metadata/name");
        m.labels = text_map("/metadata/labels");
        m.machine = machine();
        m.agent = agent();
        m.network.mode = network_mode(text("/spec/network/mode", "auto"));
        m.network.mode_place = find("/spec/network/mode") != nullptr ? place("/spec/network/mode") : m.place;
        m.network.firewall = text("/spec/network/firewall", "auto");
        if (find("/spec/network/firewall") != nullptr) m.network.firewall_place = place("/spec/network/firewall");
        m.bundle.external_network = find("/spec/bundle/externalNetwork") == nullptr || find("/spec/bundle/externalNetwork")->get<bool>();
        for (const auto* pointer : {"/spec/machine", "/spec/machine/cpus", "/spec/machine/memory", "/spec/machine/disk", "/spec/machine/disk/storage", "/spec/machine/disk/overlay"}) keep_place(pointer);
        const auto* containers = find("/spec/bundle/containers");
        for (std::size_t i = 0; containers != nullptr && i < containers->size(); ++i) m.bundle.containers.push_back(container(fmt::format("/spec/bundle/containers/{}", i)));
        if (m.network.mode == NetworkMode::Socket && containers != nullptr) one_port();
        if (m.network.mode == NetworkMode::TsiLoopback && !m.bundle.external_network) {
            add("/spec/bundle/externalNetwork", "mode tsi-loopback needs the external network: Docker publishes no port from an internal one alone", "leave it out, or network.mode: bridge");
        }
        m.places = std::move(places_);
        return m;
    }

private:
    const json* find(const std::string& pointer) const {
        const json::json_pointer at(pointer);
        return document_.json.contains(at) ? &document_.json.at(at) : nullptr;
    }
    Place place(const std::string& pointer) const { return document_.place_of(pointer); }
    void keep_place(const std::string& pointer) {
        if (find(pointer) != nullptr) places_[pointer] = place(pointer);
    }

    void add(const std::string& pointer, std::string what, std::string hint, bool at_key = false) {
        problems_.push_back(sources_.problem(document_.place_of(pointer, at_key), std::move(what), std::move(hint)));
    }

    std::string text(const std::string& pointer, std::string otherwise = {}) const {
        const auto* value = find(pointer);
        return value == nullptr ? std::move(otherwise) : value->get<std::string>();
    }
    std::optional<std::vector<std::string>> texts(const std::string& pointer) const {
        const auto* value = find(pointer);
        if (value == nullptr) return std::nullopt;
        return value->get<std::vector<std::string>>();
    }
    std::map<std::string, std::string> text_map(const std::string& pointer) const {
        const auto* value = find(pointer);
        return value == nullptr ? std::map<std::string, std::string>{} : value->get<std::map<std::string, std::string>>();
    }

    AgentSpec agent() {
        AgentSpec agent;
        agent.provider = provider_of(text("/spec/agent/provider", name_of(Provider::None))).value_or(Provider::None);
        if (find("/spec/agent/prompt") != nullptr) {
            agent.prompt = copy("/spec/agent/prompt");
            if (agent.prompt->path.find('\n') != std::string::npos) add("/spec/agent/prompt", "prompt names a file, and this is a text", "put the text into a file: prompt: ./prompt.md");
            else must_be_whole("/spec/agent/prompt", read_prompt(*agent.prompt));
        }
        skills(agent);
        agent.command = texts("/spec/agent/command").value_or(default_command(agent.provider, agent.prompt.has_value()));
        agent_env(agent);
        return agent;
    }

    /// Its name is the last part of its path: "review" of ./skills/review and of ./skills/review/.
    CopySpec copy(const std::string& at) {
        const auto path = text(at);
        auto plain = std::filesystem::path(path).lexically_normal();
        if (!plain.has_filename()) plain = plain.parent_path();
        return {plain.filename().string(), folder_, path, place(at)};
    }

    void must_be_whole(const std::string& at, AgentFiles read) {
        if (!read.problem.empty()) add(at, std::move(read.problem), std::move(read.hint));
    }

    void skills(AgentSpec& agent) {
        const auto* list = find("/spec/agent/skills");
        std::map<std::string, Place> names;
        for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
            const auto at = fmt::format("/spec/agent/skills/{}", i);
            auto skill = copy(at);
            if (!is_skill_name(skill.name)) {
                add(at, fmt::format("{} is no name for a skill", skill.name.empty() ? "it" : printable(skill.name)), "its folder's name has small letters, digits and hyphens, at most 64: ./skills/code-review");
            } else if (const auto [first, fresh] = names.emplace(skill.name, skill.place); !fresh) {
                add(at, fmt::format("skill {} is also at {}", skill.name, to_string(first->second)), "one folder a name");
            } else {
                must_be_whole(at, read_skill(skill));
            }
            agent.skills.push_back(std::move(skill));
        }
    }

    void agent_env(AgentSpec& agent) {
        const auto* env = find("/spec/agent/env");
        if (env == nullptr) return;
        for (const auto& [name, value] : env->items()) {
            const auto at = "/spec/agent/env/" + name;
            if (kOwnVariables.count(name) > 0) add(at, fmt::format("{} is set by bottle itself, to the bundle", name), "leave it out", true);
            if (value.is_string()) {
                agent.env[name] = value.get<std::string>();
                continue;
            }
            agent.secrets[name] = value["secret"].get<std::string>();
            keep_place(at + "/secret");
        }
    }

    /// In units of `unit` bytes; the default where the key is absent, 0 and a problem where it cannot be taken.
    std::int64_t quantity(const std::string& pointer, std::int64_t otherwise, std::int64_t unit, const char* unit_name) {
        const auto* value = find(pointer);
        if (value == nullptr) return otherwise;
        const auto read = read_quantity(value->get<std::string>());
        if (!read.problem.empty()) {
            add(pointer, printable(read.problem), printable(read.hint));
            return 0;
        }
        if (read.bytes < unit || read.bytes % unit != 0) {
            const auto text = value->get<std::string>();
            const bool bare = text.find_first_not_of("0123456789") == std::string::npos;
            add(pointer, fmt::format("{} is no whole number of {}", text, unit_name), bare ? quantity_of_number(text).hint : fmt::format("for example 2{}", unit_name));
            return 0;
        }
        return read.bytes / unit;
    }

    MachineSpec machine() {
        MachineSpec m;
        image(m);
        if (const auto* cpus = find("/spec/machine/cpus")) m.cpus = cpus->get<int>();
        m.memory_mib = quantity("/spec/machine/memory", m.memory_mib, kMebi, "Mi");
        constexpr std::int64_t kLeastMemory = 64;  // smolvm's own limit (1.9.3, source)
        if (m.memory_mib != 0 && m.memory_mib < kLeastMemory) add("/spec/machine/memory", "a machine needs at least 64Mi", "for example 512Mi");
        m.storage_gib = static_cast<int>(quantity("/spec/machine/disk/storage", m.storage_gib, kGibi, "Gi"));
        m.overlay_gib = static_cast<int>(quantity("/spec/machine/disk/overlay", m.overlay_gib, kGibi, "Gi"));
        m.user = text("/spec/machine/user", m.user);
        return m;
    }

    void image(MachineSpec& m) {
        const std::string at = "/spec/machine/image/";
        for (const auto* kind : {"rootfs", "docker", "archive", "pack"}) {
            if (find(at + kind) != nullptr) m.image_place = place(at + kind);
        }
        m.rootfs = resolved(at + "rootfs", resolve_folder);
        m.docker = text(at + "docker");
        m.archive = resolved(at + "archive", resolve_file);
        m.pack = resolved(at + "pack", resolve_file);
    }

    /// Empty where the key is absent, and with a problem where nothing can be meant by it.
    std::string resolved(const std::string& pointer, Resolved (*resolve)(const std::string&, const std::string&)) {
        if (find(pointer) == nullptr) return {};
        auto found = resolve(folder_, text(pointer));
        if (!found.problem.empty()) add(pointer, std::move(found.problem), std::move(found.hint));
        return found.path;
    }

    ContainerSpec container(const std::string& at) {
        ContainerSpec c;
        c.place = place(at);
        c.name = text(at + "/name");
        if (c.name == "infra") add(at + "/name", "infra is bottle's own container", "take another name");
        if (!names_.insert(c.name).second) add(at + "/name", fmt::format("there are two containers {}", c.name), "one name each");
        c.image = text(at + "/image");
        c.image_place = place(at + "/image");
        c.entrypoint = texts(at + "/entrypoint");
        c.command = texts(at + "/command");
        c.env = text_map(at + "/env");
        c.user = text(at + "/user");
        c.tmpfs = texts(at + "/tmpfs").value_or(std::vector<std::string>{});
        c.capabilities = texts(at + "/capabilities").value_or(std::vector<std::string>{});
        for (const auto* key : {"", "/limits", "/limits/memory", "/limits/cpus", "/limits/pids"}) keep_place(at + key);
        ports(at, c);
        folders(at, c);
        capabilities(at, c);
        limits(at, c);
        return c;
    }

    void ports(const std::string& at, ContainerSpec& c) {
        const auto* list = find(at + "/ports");
        for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
            const auto here = fmt::format("{}/ports/{}", at, i);
            c.ports.push_back({text(here + "/name"), find(here + "/port")->get<int>()});
            // All containers of a bundle have one address.
            if (const auto [other, fresh] = ports_.emplace(c.ports.back().port, here); !fresh) {
                add(here + "/port", fmt::format("port {} is taken at {}", c.ports.back().port, to_string(place(other->second + "/port"))), "all containers of a bundle share one address");
            }
            if (!port_names_.insert(c.ports.back().name).second) add(here + "/name", fmt::format("there are two ports {}", c.ports.back().name), "one name each");
            else port_places_.push_back(here + "/name");
        }
    }

    void one_port() {
        std::vector<std::string> names;
        for (const auto& at : port_places_) names.push_back(text(at));
        for (auto& problem : check_socket_ports(names)) {
            add(problem.port ? port_places_[*problem.port] : "/spec/network/mode", std::move(problem.text), std::move(problem.hint));
        }
    }

    void folders(const std::string& at, ContainerSpec& c) {
        std::set<std::string> seen;
        const auto check = [&](const std::string& pointer, const std::string& path) {
            if (!is_plain_absolute(path)) add(pointer, fmt::format("{} is no absolute folder in plain form", printable(path)), "for example /var/cache");
            else if (!seen.insert(path).second) add(pointer, fmt::format("{} stands here twice", printable(path)), "keep one");
        };
        for (std::size_t i = 0; i < c.tmpfs.size(); ++i) check(fmt::format("{}/tmpfs/{}", at, i), c.tmpfs[i]);
        const auto* list = find(at + "/volumes");
        for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
            const auto here = fmt::format("{}/volumes/{}", at, i);
            c.volumes.push_back({text(here + "/name"), text(here + "/path")});
            check(here + "/path", c.volumes.back().path);
            keep_place(here + "/name");
        }
    }

    void capabilities(const std::string& at, const ContainerSpec& c) {
        for (std::size_t i = 0; i < c.capabilities.size(); ++i) {
            keep_place(fmt::format("{}/capabilities/{}", at, i));
            const auto name = c.capabilities[i].rfind("CAP_", 0) == 0 ? c.capabilities[i].substr(4) : c.capabilities[i];
            if (kForbiddenCapabilities.count(name) > 0) add(fmt::format("{}/capabilities/{}", at, i), fmt::format("{} would let the container out of its bundle", c.capabilities[i]), "leave it out");
        }
    }

    void limits(const std::string& at, ContainerSpec& c) {
        c.limits.memory_bytes = quantity(at + "/limits/memory", c.limits.memory_bytes / kMebi, kMebi, "Mi") * kMebi;
        constexpr std::int64_t kLeastMemory = 6 * kMebi;  // Docker's own limit (20.10)
        if (c.limits.memory_bytes != 0 && c.limits.memory_bytes < kLeastMemory) add(at + "/limits/memory", "a container needs at least 6Mi", "for example 64Mi");
        if (const auto* cpus = find(at + "/limits/cpus")) c.limits.nano_cpus = static_cast<std::int64_t>(cpus->get<double>() * 1e9);
        if (const auto* pids = find(at + "/limits/pids")) c.limits.pids = pids->get<std::int64_t>();
    }

    const YamlDocument& document_;
    const Sources& sources_;
    const std::string& folder_;
    std::vector<Problem>& problems_;
    std::set<std::string> names_;
    std::set<std::string> port_names_;
    std::vector<std::string> port_places_;  ///< of the names, each once
    std::map<int, std::string> ports_;
    std::map<std::string, Place> places_;
};

}  // namespace

Place place_in(const Manifest& manifest, std::string pointer) {
    for (; !pointer.empty(); pointer.erase(pointer.rfind('/'))) {
        if (const auto found = manifest.places.find(pointer); found != manifest.places.end()) return found->second;
    }
    return manifest.place;
}

Manifest decode_manifest(const YamlDocument& document, const Sources& sources, const std::string& folder, std::vector<Problem>& problems) {
    return Decoder(document, sources, folder, problems).manifest();
}

}  // namespace bottle
