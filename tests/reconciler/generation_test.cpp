#include "reconciler/generation.h"

#include "tests/reconciler/socket_look.h"

#include <catch2/catch.hpp>

#include <functional>
#include <set>

using namespace bottle;
using namespace bottle::model;

namespace {

using Change = std::function<void(Desired&)>;

/// Every part is there, so that every field can be changed.
Desired whole() {
    auto desired = socket_look().desired;
    desired.volumes = {{"bottle-docs-writer-cache", "local", {}, {}}};
    return desired;
}

/// One change for each field, in the order of the structures' own.
const Change kChanges[] = {
    [](Desired& d) { d.name += "x"; },
    [](Desired& d) { d.allocation.internal_subnet = "10.231.0.8/29"; },
    [](Desired& d) { d.allocation.external_subnet = "10.232.0.8/29"; },
    [](Desired& d) { d.allocation.vmm_uid += 1; },
    [](Desired& d) { d.allocation.alias = "127.0.0.16"; },
    [](Desired& d) { d.mode = NetworkMode::Bridge; },
    [](Desired& d) { d.bundle_address = "10.231.0.3"; },
    [](Desired& d) { d.dialled = "127.0.0.16"; },
    [](Desired& d) { d.networks.pop_back(); },
    [](Desired& d) { d.networks.front().name += "x"; },
    [](Desired& d) { d.networks.front().driver = "macvlan"; },
    [](Desired& d) { d.networks.front().internal = false; },
    [](Desired& d) { d.networks.front().ipv6 = true; },
    [](Desired& d) { d.networks.front().attachable = true; },
    [](Desired& d) { d.networks.front().ingress = true; },
    [](Desired& d) { d.networks.front().scope = "swarm"; },
    [](Desired& d) { d.networks.front().ipam.emplace_back("x"); },
    [](Desired& d) { d.networks.front().options["x"] = "y"; },
    [](Desired& d) { d.networks.front().labels["x"] = "y"; },
    [](Desired& d) { d.networks.front().extras["x"] = "y"; },
    [](Desired& d) { d.volumes.clear(); },
    [](Desired& d) { d.volumes.front().name += "x"; },
    [](Desired& d) { d.volumes.front().driver = "x"; },
    [](Desired& d) { d.volumes.front().labels["x"] = "y"; },
    [](Desired& d) { d.volumes.front().options["x"] = "y"; },
    [](Desired& d) { d.containers.pop_back(); },
    [](Desired& d) { d.containers.back().name += "x"; },
    [](Desired& d) { d.containers.back().image_id += "x"; },
    [](Desired& d) { d.containers.back().entrypoint.emplace_back("x"); },
    [](Desired& d) { d.containers.back().command.emplace_back("x"); },
    [](Desired& d) { d.containers.back().env.emplace_back("x=y"); },
    [](Desired& d) { d.containers.back().user = "x"; },
    [](Desired& d) { d.containers.back().working_dir = "x"; },
    [](Desired& d) { d.containers.back().hostname = "x"; },
    [](Desired& d) { d.containers.back().labels["x"] = "y"; },
    [](Desired& d) { d.containers.back().network_mode = "x"; },
    [](Desired& d) { d.containers.front().networks.pop_back(); },
    [](Desired& d) { d.containers.front().networks.front().network = "x"; },
    [](Desired& d) { d.containers.front().networks.front().network_id = "x"; },
    [](Desired& d) { d.containers.front().networks.front().ipv4 = "x"; },
    [](Desired& d) { d.containers.front().networks.front().address = "x"; },
    [](Desired& d) { d.containers.back().privileged = true; },
    [](Desired& d) { d.containers.back().read_only_rootfs = false; },
    [](Desired& d) { d.containers.back().publish_all_ports = true; },
    [](Desired& d) { d.containers.back().tty = true; },
    [](Desired& d) { d.containers.back().open_stdin = true; },
    [](Desired& d) { d.containers.back().auto_remove = true; },
    [](Desired& d) { d.containers.back().init = true; },
    [](Desired& d) { d.containers.back().cap_add.emplace_back("x"); },
    [](Desired& d) { d.containers.back().cap_drop.emplace_back("x"); },
    [](Desired& d) { d.containers.back().security_opt.emplace_back("x"); },
    [](Desired& d) { d.containers.back().published_ports.emplace_back("x"); },
    [](Desired& d) { d.containers.back().mounts.emplace_back("x"); },
    [](Desired& d) { d.containers.back().tmpfs.emplace_back("x"); },
    [](Desired& d) { d.containers.back().devices.emplace_back("x"); },
    [](Desired& d) { d.containers.back().extra_hosts.emplace_back("x"); },
    [](Desired& d) { d.containers.back().dns.emplace_back("x"); },
    [](Desired& d) { d.containers.back().links.emplace_back("x"); },
    [](Desired& d) { d.containers.back().pid_mode = "x"; },
    [](Desired& d) { d.containers.back().ipc_mode = "x"; },
    [](Desired& d) { d.containers.back().uts_mode = "x"; },
    [](Desired& d) { d.containers.back().userns_mode = "x"; },
    [](Desired& d) { d.containers.back().restart_policy = "x"; },
    [](Desired& d) { d.containers.back().runtime = "x"; },
    [](Desired& d) { d.containers.back().log_driver = "x"; },
    [](Desired& d) { d.containers.back().memory += 1; },
    [](Desired& d) { d.containers.back().memory_swap += 1; },
    [](Desired& d) { d.containers.back().nano_cpus += 1; },
    [](Desired& d) { d.containers.back().pids_limit += 1; },
    [](Desired& d) { d.containers.back().extras["x"] = "y"; },
    [](Desired& d) { d.image_refs.back() += "x"; },
    [](Desired& d) { d.ports.front().container = "x"; },
    [](Desired& d) { d.ports.front().name = "x"; },
    [](Desired& d) { d.ports.front().port += 1; },
    [](Desired& d) { d.machine.name += "x"; },
    [](Desired& d) { d.machine.rootfs += "x"; },
    [](Desired& d) { d.machine.cpus += 1; },
    [](Desired& d) { d.machine.memory_mib += 1; },
    [](Desired& d) { d.machine.storage_gib += 1; },
    [](Desired& d) { d.machine.overlay_gib += 1; },
    [](Desired& d) { d.machine.allowed_cidr = "x"; },
    [](Desired& d) { d.machine.socket.reset(); },
    [](Desired& d) { d.machine.socket->host_path += "x"; },
    [](Desired& d) { d.machine.socket->guest_path += "x"; },
    [](Desired& d) { d.machine.tsi = true; },
    [](Desired& d) { d.machine.has_command = false; },
    [](Desired& d) { d.machine.labels["x"] = "y"; },
    [](Desired& d) { d.socket_folder.reset(); },
    [](Desired& d) { d.socket_folder->path += "x"; },
    [](Desired& d) { d.socket_folder->uid += 1; },
    [](Desired& d) { d.socket_folder->gid += 1; },
    [](Desired& d) { d.image_source.from = "x"; },
    [](Desired& d) { d.image_source.kind = ImageSource::Kind::Pack; },
    [](Desired& d) { d.image_source.id = "x"; },
    [](Desired& d) { d.vmm_uid += 1; },
    [](Desired& d) { d.firewall.reset(); },
    [](Desired& d) { d.firewall->uid += 1; },
    [](Desired& d) { d.firewall->address = "x"; },
    [](Desired& d) { d.firewall->ports.push_back(1); },
    [](Desired& d) { d.guest_env["x"] = "y"; },
    [](Desired& d) { d.workload.reset(); },
    [](Desired& d) { d.workload->command.emplace_back("x"); },
    [](Desired& d) { d.workload->env["x"] = "y"; },
    [](Desired& d) { d.workload->user = "x"; },
    [](Desired& d) { d.user = "x"; },
    [](Desired& d) { d.workload_digest += "x"; },
    [](Desired& d) { d.required.pop_back(); },
};

}  // namespace

TEST_CASE("generation: each field of what is desired makes another text") {
    std::set<std::string> texts = {generation_text(whole())};
    std::size_t number = 0;
    for (const auto& change : kChanges) {
        auto changed = whole();
        change(changed);
        INFO("change " << number++);
        CHECK_FALSE(changed == whole());
        CHECK(texts.insert(generation_text(changed)).second);
    }
}

TEST_CASE("generation: what is only said about it changes nothing") {
    auto said = whole();
    said.place = {"other.yaml", 7, 1};
    said.mode_why = "x";
    said.forbidden = "x";
    said.no_firewall = "x";
    said.problems.push_back({{}, "x", "", ""});
    CHECK(generation_text(said) == generation_text(whole()));
}

TEST_CASE("generation: texts that are divided in another way are another text") {
    auto one = whole();
    auto other = whole();
    one.image_refs = {"ab", "c"};
    other.image_refs = {"a", "bc"};
    CHECK(generation_text(one) != generation_text(other));
    one.image_refs = {"a", "b"};
    other.image_refs = {"a1:,1:b"};
    CHECK(generation_text(one) != generation_text(other));
}

TEST_CASE("generation: another mode or firewall in the manifest is another one, and another look at the same host is not") {
    auto world = ready_world();
    const auto text = [&](const Manifest& manifest) { return generation_text(look_and_plan(world, manifest).desired); };
    const auto before = text(sample_manifest());
    CHECK(text(sample_manifest()) == before);
    auto without = sample_manifest();
    without.network.firewall = "off";
    CHECK(text(without) != before);
    CHECK(text(sample_with_socket()) != before);
}
