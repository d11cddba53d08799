#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

/// A change of the world, and the file with the plan that it leads to.
struct GoldenCase {
    const char* file;
    void (*change)(ModelWorld&);
};

std::string plan_text(ModelWorld& world, const Manifest& manifest = sample_manifest(), const PlanOptions& options = {}) {
    return to_text(look_and_plan(world, manifest, options).plan);
}

void other_owner(ModelWorld& world) {
    const auto take = [](Labels& labels) {
        labels[label::kOwner] = "another";
        labels[label::kState] = "/home/sam/.local/state/bottle";
    };
    for (auto& [id, network] : world.networks) take(network.is.labels);
    for (auto& [id, container] : world.containers) take(container.is.labels);
}

Container& egress(ModelWorld& world) {
    return world.container_named("bottle-docs-writer-egress")->is;
}
Container& infra(ModelWorld& world) {
    return world.container_named("bottle-docs-writer-infra")->is;
}

/// Nothing extra goes unnoticed: each is named in plain words, with its consequence.
const GoldenCase kExtra[] = {
    {"extra-network-on-infra.plan",
     [](ModelWorld& w) {
         w.add_foreign_network("leaknet", "172.18.0.0/16");
         w.connect("leaknet", "bottle-docs-writer-infra");
     }},
    {"extra-network-on-bundle-container.plan",
     [](ModelWorld& w) {
         w.add_foreign_network("leaknet", "172.18.0.0/16");
         egress(w).network_mode = "leaknet";
         w.connect("leaknet", "bottle-docs-writer-egress");
     }},
    {"extra-container-on-external-network.plan", [](ModelWorld& w) { w.add_foreign_container("curious", "bottle-docs-writer-external"); }},
    {"extra-container-of-another-bottle.plan",
     [](ModelWorld& w) {
         w.add_foreign_container("bottle-other-infra", "bottle-docs-writer");
         w.container_named("bottle-other-infra")->is.labels[label::kName] = "other";
     }},
    {"extra-published-port.plan", [](ModelWorld& w) { infra(w).published_ports = {"9099/tcp -> 0.0.0.0:8080"}; }},
    {"extra-mount.plan", [](ModelWorld& w) { egress(w).mounts = {"bind /etc:/host-etc"}; }},
    {"extra-capability.plan", [](ModelWorld& w) { egress(w).cap_add = {"NET_ADMIN", "NET_BIND_SERVICE"}; }},
    {"extra-privileged.plan", [](ModelWorld& w) { egress(w).privileged = true; }},
    {"limits-updated-by-hand.plan", [](ModelWorld& w) { egress(w).memory = egress(w).memory_swap = 1LL << 30; }},
    {"infra-limits-updated-by-hand.plan", [](ModelWorld& w) { infra(w).pids_limit = 0; }},
    {"extra-host.plan", [](ModelWorld& w) { infra(w).extra_hosts = {"api.example.com:203.0.113.9"}; }},
    {"extra-name-server.plan", [](ModelWorld& w) { infra(w).dns = {"203.0.113.53", "option ndots:9", "search evil.example"}; }},
    {"extra-sysctl.plan", [](ModelWorld& w) { infra(w).extras["HostConfig.Sysctls"] = R"({"net.ipv4.ip_forward":"1"})"; }},
    {"extra-health-check.plan", [](ModelWorld& w) { egress(w).extras["Config.Healthcheck"] = R"({"Test":["CMD","/bin/sh"]})"; }},
    {"ipv6-on-network.plan", [](ModelWorld& w) { w.network_named("bottle-docs-writer")->is.ipv6 = true; }},
    {"tag-moved.plan", [](ModelWorld& w) { w.images.at("bottle-egress:1").id = "sha256:" + std::string(64, 'a'); }},
    {"other-image-by-hand.plan", [](ModelWorld& w) { egress(w).image_id = "sha256:" + std::string(64, 'b'); }},
    {"second-engine-with-our-subnet.plan", [](ModelWorld& w) { w.host.carriers = {{"10.231.0.0/29", "br-0123456789ab"}}; }},
    {"our-gateway-on-another-interface.plan", [](ModelWorld& w) { w.host.carriers = {{"10.231.0.1/32", "br-0123456789ab"}}; }},
    {"row-mounts.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["mounts"] = {{{"source", "/etc"}, {"target", "/mnt"}}}; }); }},
    {"row-ports.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["ports"] = {{{"host", 8080}, {"guest", 80}}}; }); }},
    {"row-socket.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["published_sockets"] = {"/run/docker.sock:/run/docker.sock"}; }); }},
    {"row-ssh-agent.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["ssh_agent"] = true; }); }},
    {"row-docker-socket.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["docker_socket"] = true; }); }},
    {"row-secrets.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["secret_refs"] = {{{"from_env", "AWS_SECRET_ACCESS_KEY"}}}; }); }},
    {"vmm-egress-variable.plan", [](ModelWorld& w) { w.live->environment["SMOLVM_EGRESS_FLOOR"] = "off"; }},
    {"vmm-publish-variable.plan", [](ModelWorld& w) { w.live->environment["SMOLVM_PUBLISH_ADDR"] = "0.0.0.0"; }},
    {"vmm-preload.plan", [](ModelWorld& w) { w.live->environment["LD_PRELOAD"] = "/tmp/x.so"; }},
    {"vmm-library-path.plan", [](ModelWorld& w) { w.live->environment["LD_LIBRARY_PATH"] = "/tmp/lib:/opt/smolvm"; }},
};

const GoldenCase kDrifted[] = {
    {"nothing-to-do.plan", [](ModelWorld&) {}},
    {"null-list-while-running.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; }); }},
    {"null-list-while-stopped.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.change_row([](auto& row) { row["allowed_cidrs"] = nullptr; });
     }},
    {"database-locked.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.database_locked = "database is locked";
     }},
    {"database-locked-while-running.plan", [](ModelWorld& w) { w.database_locked = "database is locked"; }},
    {"docker-down-while-running.plan", [](ModelWorld& w) { w.docker_down = "/var/run/docker.sock: connection refused"; }},
    {"processes-unreadable.plan", [](ModelWorld& w) { w.processes_unreadable = "/proc: permission denied"; }},
    {"started-by-hand.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.start_by_hand();
     }},
    {"machine-died.plan", [](ModelWorld& w) { w.kill_vmm(); }},
    {"cpus-changed.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.change_row([](auto& row) { row["cpus"] = 8; });
     }},
    {"unknown-row-key.plan", [](ModelWorld& w) { w.change_row([](auto& row) { row["sidecars"] = {"x"}; }); }},
    {"text-row.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.row->is_blob = false;
     }},
    {"row-deleted-disks-there.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.row.reset();
     }},
    {"foreign-network-on-infra.plan",
     [](ModelWorld& w) {
         w.add_foreign_network("compose_default", "172.20.0.0/16");
         w.connect("compose_default", "bottle-docs-writer-infra");
     }},
    {"foreign-container-on-our-network.plan", [](ModelWorld& w) { w.add_foreign_container("curious", "bottle-docs-writer"); }},
    {"infra-off-the-internal-network.plan", [](ModelWorld& w) { w.disconnect("bottle-docs-writer", "bottle-docs-writer-infra"); }},
    {"internal-network-removed.plan", [](ModelWorld& w) { w.remove_network("bottle-docs-writer"); }},
    {"infra-restarted.plan", [](ModelWorld& w) { w.restart_container("bottle-docs-writer-infra"); }},
    {"infra-exited.plan", [](ModelWorld& w) { w.stop_container("bottle-docs-writer-infra"); }},
    {"bundle-container-removed.plan", [](ModelWorld& w) { w.remove_container("bottle-docs-writer-egress"); }},
    {"bundle-container-exited.plan", [](ModelWorld& w) { w.stop_container("bottle-docs-writer-egress"); }},
    {"unwanted-container.plan",
     [](ModelWorld& w) {
         auto extra = *w.container_named("bottle-docs-writer-egress");
         extra.id = "extra";
         extra.is.name = "bottle-docs-writer-old";
         w.containers["extra"] = extra;
     }},
    {"unmanaged-container.plan", [](ModelWorld& w) { w.container_named("bottle-docs-writer-egress")->is.labels.clear(); }},
    {"orphan.plan", other_owner},
    {"host-restarted.plan", [](ModelWorld& w) { w.reboot(); }},
    {"workload-failed.plan", [](ModelWorld& w) { w.workload->state = WorkloadExited{7}; }},
    {"workload-completed.plan", [](ModelWorld& w) { w.workload->state = WorkloadExited{0}; }},
    {"workload-lost.plan", [](ModelWorld& w) { w.workload->state = WorkloadLost{}; }},
    {"channel-remade.plan", [](ModelWorld& w) { w.live->channels = {"egress.sock"}; }},
    {"firewall-flushed.plan", [](ModelWorld& w) { w.firewall.reset(); }},
    {"firewall-extra-rule.plan", [](ModelWorld& w) { w.firewall = listed_firewall(2'900'000, "10.231.0.2", {22, 9099}); }},
    {"firewall-unreadable.plan", [](ModelWorld& w) { w.firewall_unreadable = "the kernel's firewall tables cannot be listed: Operation not permitted"; }},
    {"own-records-lost.plan", [](ModelWorld& w) { w.stored = {}; }},
};

}  // namespace

TEST_CASE("golden: the first apply") {
    auto world = empty_world();
    check_golden("plans/first-apply.plan", plan_text(world));
    check_golden("plans/first-apply.json", to_json(look_and_plan(world, sample_manifest()).plan));
}

TEST_CASE("golden: a world that drifted from Ready") {
    for (const auto& golden : kDrifted) DYNAMIC_SECTION(golden.file) {
        auto world = ready_world();
        golden.change(world);
        check_golden(std::string("plans/") + golden.file, plan_text(world));
    }
}

TEST_CASE("golden: something extra in a world that is Ready") {
    for (const auto& golden : kExtra) DYNAMIC_SECTION(golden.file) {
        auto world = ready_world();
        golden.change(world);
        check_golden(std::string("plans/") + golden.file, plan_text(world));
    }
}

TEST_CASE("golden: a world before the first apply that is in the way") {
    auto world = empty_world();
    SECTION("no image") {
        world.images.erase("bottle-egress:1");
        check_golden("plans/image-missing.plan", plan_text(world));
    }
    SECTION("no firewall, and none is asked for") {
        world.firewall_unreadable = "the kernel's firewall tables cannot be listed: Operation not permitted";
        check_golden("plans/first-apply-without-firewall.plan", plan_text(world));
    }
    SECTION("no firewall, and one is required") {
        world.firewall_unreadable = "the kernel's firewall tables cannot be listed: Operation not permitted";
        auto manifest = sample_manifest();
        manifest.network.firewall = "required";
        manifest.network.firewall_place = {"bottle.yaml", 9, 15};
        check_golden("plans/firewall-required.plan", plan_text(world, manifest));
    }
    SECTION("somebody else's network has our name") {
        world.add_foreign_network("bottle-docs-writer", "172.30.0.0/16");
        check_golden("plans/unmanaged-network.plan", plan_text(world));
    }
}

TEST_CASE("golden: a manifest that changed") {
    auto world = ready_world();
    auto manifest = sample_manifest();
    SECTION("another command") {
        manifest.agent.command = {"codex"};
        check_golden("plans/command-changed.plan", plan_text(world, manifest));
    }
    SECTION("more memory for the egress container") {
        manifest.bundle.containers[0].limits.memory_bytes *= 2;
        check_golden("plans/limits-changed.plan", plan_text(world, manifest));
    }
    SECTION("a second container") {
        auto second = manifest.bundle.containers[0];
        second.name = "web";
        second.ports = {{"web", 8080}};
        second.volumes.clear();
        manifest.bundle.containers.push_back(second);
        check_golden("plans/container-added.plan", plan_text(world, manifest));
    }
    SECTION("no external network") {
        manifest.bundle.external_network = false;
        check_golden("plans/external-network-gone.plan", plan_text(world, manifest));
    }
    SECTION("no firewall any more, while the machine runs: it goes with the next stop") {
        manifest.network.firewall = "off";
        check_golden("plans/nothing-to-do.plan", plan_text(world, manifest));
    }
    SECTION("no firewall any more, and no machine") {
        manifest.network.firewall = "off";
        world.kill_vmm();
        check_golden("plans/firewall-off.plan", plan_text(world, manifest));
    }
    SECTION("a run: the agent's command is its own to launch") {
        world = empty_world();
        PlanOptions options;
        options.hold_launch = true;
        check_golden("plans/run.plan", plan_text(world, manifest, options));
    }
    SECTION("paused") {
        world.live->paused = true;
        check_golden("plans/paused.plan", plan_text(world, manifest));
        PlanOptions options;
        options.prove_again = true;
        check_golden("plans/verify-paused.plan", plan_text(world, manifest, options));
    }
    SECTION("verify") {
        PlanOptions options;
        options.prove_again = true;
        check_golden("plans/verify.plan", plan_text(world, manifest, options));
    }
}

TEST_CASE("golden: adopting") {
    auto world = ready_world();
    PlanOptions options;
    options.adopt = true;
    SECTION("what another state folder made") {
        other_owner(world);
        check_golden("plans/adopt-orphan.plan", plan_text(world, sample_manifest(), options));
    }
    SECTION("disks without a row") {
        world.kill_vmm();
        world.row.reset();
        check_golden("plans/adopt-disks.plan", plan_text(world, sample_manifest(), options));
    }
}

TEST_CASE("golden: deleting") {
    auto world = ready_world(sample_with_volume());
    const auto plan = [&] {
        Scope scope;
        scope.bottle = "docs-writer";
        scope.image_refs = {kPauseImage};
        return to_text(plan_delete("docs-writer", world.observe(scope)));
    };
    SECTION("the only bottle") { check_golden("plans/delete.plan", plan()); }
    SECTION("one of two") {
        world.stored.other_allocations["other"] = {"10.231.0.8/29", "10.232.0.8/29", 2'900'001};
        check_golden("plans/delete-one-of-two.plan", plan());
    }
    SECTION("one whose first start was never proved: its disks are nobody's loss, the volume is") {
        world.kill_vmm();
        world.stored.unproved = Unproved::Created;
        check_golden("plans/delete-unproved.plan", plan());
        world.volumes.clear();
        check_golden("plans/delete-unproved-without-volume.plan", plan());
    }
    SECTION("disks without a row") {
        world.kill_vmm();
        world.row.reset();
        check_golden("plans/delete-disks-without-row.plan", plan());
    }
    SECTION("with a stranger on its network") {
        world.add_foreign_container("curious", "bottle-docs-writer");
        check_golden("plans/delete-stranger.plan", plan());
    }
    SECTION("nothing there") {
        world = empty_world();
        check_golden("plans/delete-nothing.plan", plan());
    }
}

TEST_CASE("deleting leaves nothing of ours, and keeps what is not ours") {
    auto world = ready_world(sample_with_volume());
    world.add_foreign_container("curious", "bottle-docs-writer");
    const auto result = remove(world, "docs-writer");
    CHECK(result.exit == Exit::Ok);
    CHECK(world.networks.empty());
    CHECK(world.containers.size() == 1);
    CHECK(world.containers.begin()->second.is.name == "curious");
    CHECK(world.volumes.empty());
    CHECK_FALSE(world.row);
    CHECK_FALSE(world.vm_folder);
    CHECK_FALSE(world.live);
    CHECK(world.violations.empty());
    const int before = world.mutations;
    CHECK(remove(world, "docs-writer").exit == Exit::Ok);
    CHECK(world.mutations == before);
}
