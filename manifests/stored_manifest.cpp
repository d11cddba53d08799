#include "manifests/stored_manifest.h"

#include "manifests/network_mode.h"

#include <nlohmann/json.hpp>

namespace bottle {

constexpr const char* kAuto = "auto";

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Place, file, line, column)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CopySpec, name, folder, path, place)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PortSpec, name, port)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VolumeSpec, name, path)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LimitsSpec, memory_bytes, nano_cpus, pids)

namespace {

struct ImageKey {
    const char* name;
    std::string MachineSpec::*value;
};
constexpr ImageKey kImageKeys[] = {{"rootfs", &MachineSpec::rootfs}, {"docker", &MachineSpec::docker}, {"archive", &MachineSpec::archive}, {"pack", &MachineSpec::pack}};

}  // namespace

static void to_json(nlohmann::json& value, const MachineSpec& m) {
    value = {{"cpus", m.cpus}, {"memory_mib", m.memory_mib}, {"storage_gib", m.storage_gib}, {"overlay_gib", m.overlay_gib}, {"user", m.user}};
    for (const auto& [name, member] : kImageKeys) {
        if (!(m.*member).empty()) value[name] = m.*member;
    }
    // Called so since there were only folders.
    value["rootfs_place"] = m.image_place;
}

static void from_json(const nlohmann::json& value, MachineSpec& m) {
    value.at("cpus").get_to(m.cpus);
    value.at("memory_mib").get_to(m.memory_mib);
    value.at("storage_gib").get_to(m.storage_gib);
    value.at("overlay_gib").get_to(m.overlay_gib);
    value.at("user").get_to(m.user);
    for (const auto& [name, member] : kImageKeys) m.*member = value.value(name, std::string());
    value.at("rootfs_place").get_to(m.image_place);
}

static void to_json(nlohmann::json& value, const AgentSpec& agent) {
    value = {{"command", agent.command}, {"env", agent.env}};
    if (!agent.secrets.empty()) value["secrets"] = agent.secrets;
    if (agent.provider != Provider::None) value["provider"] = name_of(agent.provider);
    if (agent.prompt) value["prompt"] = *agent.prompt;
    if (!agent.skills.empty()) value["skills"] = agent.skills;
}

static void from_json(const nlohmann::json& value, AgentSpec& agent) {
    value.at("command").get_to(agent.command);
    value.at("env").get_to(agent.env);
    agent.secrets = value.value("secrets", agent.secrets);
    const auto word = value.value("provider", name_of(Provider::None));
    const auto provider = provider_of(word);
    if (!provider) throw Error(Exit::Failed, "a stored manifest has a provider that this version does not know: " + printable(word));
    agent.provider = *provider;
    if (value.contains("prompt")) agent.prompt = value.at("prompt").get<CopySpec>();
    agent.skills = value.value("skills", agent.skills);
}

static void to_json(nlohmann::json& value, const NetworkSpec& network) {
    value = {{"mode", network.mode ? name_of(*network.mode) : kAuto}, {"mode_place", network.mode_place}, {"firewall", network.firewall}, {"firewall_place", network.firewall_place}};
}

static void from_json(const nlohmann::json& value, NetworkSpec& network) {
    const auto mode = value.at("mode").get<std::string>();
    network.mode = network_mode(mode);
    if (!network.mode && mode != kAuto) throw Error(Exit::Failed, "a stored manifest has a network mode that this version does not know: " + printable(mode));
    // Records of before the place was kept have none.
    network.mode_place = value.value("mode_place", Place{});
    value.at("firewall").get_to(network.firewall);
    value.at("firewall_place").get_to(network.firewall_place);
}

namespace {

using nlohmann::json;

json optional_list(const std::optional<std::vector<std::string>>& list) {
    return list ? json(*list) : json();
}

std::optional<std::vector<std::string>> read_optional_list(const json& value) {
    if (value.is_null()) return std::nullopt;
    return value.get<std::vector<std::string>>();
}

json container_json(const ContainerSpec& c) {
    return {{"place", c.place}, {"name", c.name}, {"image", c.image}, {"imagePlace", c.image_place}, {"entrypoint", optional_list(c.entrypoint)},
            {"command", optional_list(c.command)}, {"ports", c.ports}, {"env", c.env}, {"user", c.user}, {"tmpfs", c.tmpfs},
            {"volumes", c.volumes}, {"capabilities", c.capabilities}, {"limits", c.limits}};
}

ContainerSpec read_container(const json& value) {
    ContainerSpec c;
    value.at("place").get_to(c.place);
    value.at("name").get_to(c.name);
    value.at("image").get_to(c.image);
    value.at("imagePlace").get_to(c.image_place);
    c.entrypoint = read_optional_list(value.at("entrypoint"));
    c.command = read_optional_list(value.at("command"));
    value.at("ports").get_to(c.ports);
    value.at("env").get_to(c.env);
    value.at("user").get_to(c.user);
    value.at("tmpfs").get_to(c.tmpfs);
    value.at("volumes").get_to(c.volumes);
    value.at("capabilities").get_to(c.capabilities);
    value.at("limits").get_to(c.limits);
    return c;
}

constexpr const char* kFormat = "bottle.manifest/v1";

}  // namespace

bool is_place(const std::string& key) {
    return key == "place" || key == "places" || key.ends_with("_place") || key.ends_with("Place");
}

std::string to_stored_text(const Manifest& m) {
    json containers = json::array();
    for (const auto& container : m.bundle.containers) containers.push_back(container_json(container));
    const json document = {{"format", kFormat}, {"place", m.place}, {"name", m.name}, {"labels", m.labels}, {"machine", m.machine},
                           {"agent", m.agent}, {"network", m.network}, {"containers", containers}, {"externalNetwork", m.bundle.external_network}, {"places", m.places}};
    return document.dump();
}

Manifest from_stored_text(const std::string& text) {
    try {
        const auto document = json::parse(text);
        if (document.at("format") != kFormat) throw Error(Exit::Failed, "a stored manifest has another format than this version's");
        Manifest m;
        document.at("place").get_to(m.place);
        document.at("name").get_to(m.name);
        document.at("labels").get_to(m.labels);
        document.at("machine").get_to(m.machine);
        document.at("agent").get_to(m.agent);
        document.at("network").get_to(m.network);
        document.at("externalNetwork").get_to(m.bundle.external_network);
        // Records of before these places were kept have none.
        m.places = document.value("places", m.places);
        for (const auto& container : document.at("containers")) m.bundle.containers.push_back(read_container(container));
        return m;
    } catch (const json::exception& error) {
        throw Error(Exit::Failed, std::string("a stored manifest cannot be read: ") + error.what());
    }
}

}  // namespace bottle
