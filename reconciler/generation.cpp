#include "reconciler/generation.h"

#include <fmt/format.h>

#include <type_traits>

namespace bottle {
namespace {

/// Each structure is taken apart whole: one with a field more does not compile until it is decided here what that field is.
class Text {
public:
    void put(const Desired& desired) {
        const auto& [name, place, allocation, mode, mode_why, bundle_address, dialled, forbidden, networks, volumes, containers, image_refs, ports, machine, socket_folder,
                     image_source, vmm_uid, firewall, no_firewall, guest_env, workload, user, workload_digest, required, problems] = desired;
        all(name, allocation, mode, bundle_address, dialled, networks, volumes, containers, image_refs, ports, machine, socket_folder, image_source, vmm_uid,
            firewall, guest_env, workload, user, workload_digest, required);
    }

    std::string take() && { return std::move(text_); }

private:
    template <class... Fields>
    void all(const Fields&... fields) {
        (put(fields), ...);
    }

    /// With its length, so that nothing in a text looks like the end of it.
    void put(const std::string& text) { text_ += fmt::format("{}:{},", text.size(), text); }

    template <class T>
        requires std::is_arithmetic_v<T> || std::is_enum_v<T>
    void put(T value) {
        text_ += fmt::format("{};", static_cast<std::int64_t>(value));
    }

    template <class T>
    void put(const std::vector<T>& items) {
        put(items.size());
        for (const auto& item : items) put(item);
    }

    template <class T>
    void put(const std::map<std::string, T>& items) {
        put(items.size());
        for (const auto& [key, value] : items) all(key, value);
    }

    template <class T>
    void put(const std::optional<T>& item) {
        put(item.has_value());
        if (item) put(*item);
    }

    void put(const Allocation& allocation) {
        const auto& [internal_subnet, external_subnet, vmm_uid, alias] = allocation;
        all(internal_subnet, external_subnet, vmm_uid, alias);
    }

    void put(const Network& network) {
        const auto& [name, driver, internal, ipv6, attachable, ingress, scope, ipam, options, labels, extras] = network;
        all(name, driver, internal, ipv6, attachable, ingress, scope, ipam, options, labels, extras);
    }

    void put(const Volume& volume) {
        const auto& [name, driver, labels, options] = volume;
        all(name, driver, labels, options);
    }

    void put(const Attachment& attachment) {
        const auto& [network, network_id, ipv4, address] = attachment;
        all(network, network_id, ipv4, address);
    }

    void put(const Container& container) {
        const auto& [name, image_id, entrypoint, command, env, user, working_dir, hostname, labels, network_mode, networks, privileged, read_only_rootfs,
                     publish_all_ports, tty, open_stdin, auto_remove, init, cap_add, cap_drop, security_opt, published_ports, mounts, tmpfs, devices,
                     extra_hosts, dns, links, pid_mode, ipc_mode, uts_mode, userns_mode, restart_policy, runtime, log_driver, memory, memory_swap,
                     nano_cpus, pids_limit, extras] = container;
        all(name, image_id, entrypoint, command, env, user, working_dir, hostname, labels, network_mode, networks, privileged, read_only_rootfs,
            publish_all_ports, tty, open_stdin, auto_remove, init, cap_add, cap_drop, security_opt, published_ports, mounts, tmpfs, devices,
            extra_hosts, dns, links, pid_mode, ipc_mode, uts_mode, userns_mode, restart_policy, runtime, log_driver, memory, memory_swap,
            nano_cpus, pids_limit, extras);
    }

    void put(const BundlePort& bundle_port) {
        const auto& [container, name, port] = bundle_port;
        all(container, name, port);
    }

    void put(const MountedSocket& socket) {
        const auto& [host_path, guest_path] = socket;
        all(host_path, guest_path);
    }

    void put(const SocketFolder& folder) {
        const auto& [path, uid, gid] = folder;
        all(path, uid, gid);
    }

    void put(const Machine& machine) {
        const auto& [name, rootfs, cpus, memory_mib, storage_gib, overlay_gib, allowed_cidr, socket, tsi, has_command, labels] = machine;
        all(name, rootfs, cpus, memory_mib, storage_gib, overlay_gib, allowed_cidr, socket, tsi, has_command, labels);
    }

    void put(const FirewallRules& rules) {
        const auto& [uid, address, ports] = rules;
        all(uid, address, ports);
    }

    void put(const Workload& workload) {
        const auto& [command, env, user] = workload;
        all(command, env, user);
    }

    std::string text_;
};

}  // namespace

std::string generation_text(const Desired& desired) {
    Text text;
    text.put(desired);
    return std::move(text).take();
}

}  // namespace bottle
