#pragma once

#include "reconciler/desired.h"
#include "reconciler/observed.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Only for generation.cpp and fingerprint.cpp.
namespace bottle {

/// One text of values, another one for every change of them. Each structure is taken apart whole: one with a field more does not compile until it is
/// decided what that field is.
class CanonicalText {
public:
    std::string take() && { return std::move(text_); }

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

    void put(const std::set<std::string>& items) {
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
        const auto& [command, env, user, secrets] = workload;
        all(command, env, user, secrets);
    }

    /// Where it is on the host is no part of what is in the guest.
    void put(const AgentCopy& copy) {
        const auto& [source, is_skill, target, digest] = copy;
        all(target, digest);
    }

    void put(const SecretGrant& grant) {
        const auto& [name, host, variable] = grant;
        all(name, host, variable);
    }

    template <class T>
    void put(const Observation<T>& seen) {
        put(seen.present() ? 'p' : seen.absent() ? 'a' : 'u');
        if (seen.present()) put(*seen);
    }

    void put(const Endpoint& endpoint) {
        const auto& [container_id, container_name, ipv4] = endpoint;
        all(container_id, container_name, ipv4);
    }

    void put(const ObservedContainer& container) {
        const auto& [id, is, status, created_at, started_at, exit_code, error, live_ports] = container;
        all(id, is, status, created_at, started_at, exit_code, error, live_ports);
    }

    void put(const ImageSource& source) {
        const auto& [kind, from, id] = source;
        all(kind, from, id);
    }

    void put(const Image& image) {
        const auto& [id, entrypoint, command, env, user, working_dir, labels, volumes, extras] = image;
        all(id, entrypoint, command, env, user, working_dir, labels, volumes, extras);
    }

    void put(const FileIdentity& file) {
        const auto& [path, device, inode, size, mtime_ns, ctime_ns] = file;
        all(path, device, inode, size, mtime_ns, ctime_ns);
    }

    void put(const VmmProcess& process) {
        const auto& [pid, start_time, uid, executable, libraries, environment, hidden, paused] = process;
        all(pid, start_time, uid, executable, libraries, environment, hidden, paused);
    }

    void put(const ImageCopy& copy) {
        const auto& [source, source_listing, listing] = copy;
        all(source, source_listing, listing);
    }

    void put(const SocketPlace::Entry& entry) {
        const auto& [name, is_socket, uid, gid, mode, device, inode, ctime_ns] = entry;
        all(name, is_socket, uid, gid, mode, device, inode, ctime_ns);
    }

    void put(const SocketPlace& place) {
        const auto& [uid, gid, mode, entries] = place;
        all(uid, gid, mode, entries);
    }

    void put(const Route& route) {
        const auto& [device, local, via_gateway] = route;
        all(device, local, via_gateway);
    }

    void put(const StartRecord& start) {
        const auto& [boot_id, pid, start_time, row_digest, binaries, firewalled] = start;
        all(boot_id, pid, start_time, row_digest, binaries, firewalled);
    }

    void put(const Evidence& evidence) {
        const auto& [kind, verdict, reading, digest] = evidence;
        all(kind, verdict, reading, digest);
    }

    void put(const ProofKey& key) {
        const auto& [boot_id, pid, start_time, row_digest, infra_id, infra_started_at, network_ids, ports, binaries_digest, socket] = key;
        all(boot_id, pid, start_time, row_digest, infra_id, infra_started_at, network_ids, ports, binaries_digest, socket);
    }

    void put(const GuestProof& proof) {
        const auto& [key, evidence, taken_at, raw] = proof;
        all(key, evidence, taken_at);
    }

    void put(const ObservedWorkload& workload) {
        const auto& [vmm_pid, vmm_start_time, spec_digest, state, secrets] = workload;
        all(vmm_pid, vmm_start_time, spec_digest, state.index(), secrets);
        if (const auto* running = std::get_if<WorkloadRunning>(&state)) put(running->pid);
        if (const auto* exited = std::get_if<WorkloadExited>(&state)) put(exited->code);
    }

private:
    std::string text_;
};

}  // namespace bottle
