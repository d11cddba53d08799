#include "reconciler/compose.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace bottle {
namespace {

using nlohmann::ordered_json;

std::string escaped(const std::string& text) {
    std::string made;
    for (const char c : text) made += c == '$' ? "$$" : std::string(1, c);
    return made;
}

ordered_json texts(const std::vector<std::string>& all) {
    auto list = ordered_json::array();
    for (const auto& text : all) list.push_back(escaped(text));
    return list;
}

/// What stands behind the bottle's own prefix: "egress" of "bottle-docs-egress".
std::string short_name(const std::string& bottle, const std::string& name) {
    const auto prefix = network_name(bottle) + "-";
    return name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : std::string("internal");
}

/// "10.231.0.0/29 10.231.0.1 10.231.0.4/30"
ordered_json pool(const std::string& text) {
    std::istringstream words(text);
    ordered_json config;
    for (const char* key : {"subnet", "gateway", "ip_range"}) {
        std::string word;
        if (words >> word && word != "-") config[key] = word;
    }
    return config;
}

ordered_json network(const Network& network) {
    ordered_json made = {{"driver", network.driver}, {"internal", network.internal}};
    for (const auto& text : network.ipam) made["ipam"]["config"].push_back(pool(text));
    for (const auto& [name, value] : network.options) made["driver_opts"][name] = value;
    return made;
}

/// "volume bottle-docs-cache:/var/cache", "bind /run/x:/y"
ordered_json mount(const std::string& bottle, const std::string& text) {
    const auto kind_end = text.find(' ');
    const auto source_end = text.find(':', kind_end);
    const auto source = text.substr(kind_end + 1, source_end - kind_end - 1);
    const bool is_volume = text.substr(0, kind_end) == "volume";
    return {{"type", text.substr(0, kind_end)}, {"source", is_volume ? short_name(bottle, source) : escaped(source)}, {"target", escaped(text.substr(source_end + 1))}};
}

/// The bundle's address is the first one's, whose network the others join.
void set_networks(const Desired& desired, const Container& container, ordered_json& service) {
    if (container.networks.empty()) {
        service["network_mode"] = fmt::format("service:{}", short_name(desired.name, desired.containers.front().name));
        return;
    }
    for (const auto& attachment : container.networks) {
        auto& place = service["networks"][short_name(desired.name, attachment.network)];
        place = ordered_json::object();
        if (!attachment.ipv4.empty()) place["ipv4_address"] = attachment.ipv4;
    }
}

ordered_json service(const Desired& desired, const Container& container, const std::string& image) {
    ordered_json made = {{"image", image}};
    if (!container.entrypoint.empty()) made["entrypoint"] = texts(container.entrypoint);
    if (!container.command.empty()) made["command"] = texts(container.command);
    if (!container.env.empty()) made["environment"] = texts(container.env);
    if (!container.user.empty()) made["user"] = container.user;
    set_networks(desired, container, made);
    made["read_only"] = container.read_only_rootfs;
    made["cap_drop"] = container.cap_drop;
    if (!container.cap_add.empty()) made["cap_add"] = container.cap_add;
    made["security_opt"] = container.security_opt;
    for (auto text : container.tmpfs) {
        if (const auto space = text.find(' '); space != std::string::npos) text[space] = ':';
        made["tmpfs"].push_back(escaped(text));
    }
    for (const auto& text : container.mounts) made["volumes"].push_back(mount(desired.name, text));
    made["mem_limit"] = container.memory;
    made["memswap_limit"] = container.memory_swap;
    constexpr double kNano = 1e9;
    made["cpus"] = static_cast<double>(container.nano_cpus) / kNano;
    made["pids_limit"] = container.pids_limit;
    made["restart"] = container.restart_policy;
    return made;
}

}  // namespace

nlohmann::ordered_json compose_file(const Desired& desired) {
    ordered_json file;
    for (std::size_t i = 0; i < desired.containers.size(); ++i) {
        const auto& container = desired.containers[i];
        file["services"][short_name(desired.name, container.name)] = service(desired, container, desired.image_refs[i]);
    }
    for (const auto& is : desired.networks) file["networks"][short_name(desired.name, is.name)] = network(is);
    for (const auto& volume : desired.volumes) file["volumes"][short_name(desired.name, volume.name)] = ordered_json::object();
    return file;
}

}  // namespace bottle
