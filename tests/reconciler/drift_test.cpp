#include "reconciler/smolvm_build.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

#include <functional>

using namespace bottle;
using namespace bottle::model;

// Every single field that is compared is made different, one at a time, in a world that is Ready. Each must be seen, and the machine must be
// stopped for those that can widen what the guest reaches.

namespace {

enum class Expect {
    Stop,     ///< the machine is stopped first
    Step,     ///< repaired while the machine goes on
    Refusal,  ///< stopped, and only a human can say what shall be
};

struct Drift {
    const char* name;
    Expect expect;
    std::function<void(ModelWorld&)> change;
};

bool stops(const Plan& plan) {
    return !plan.steps.empty() && std::holds_alternative<StopMachine>(plan.steps.front().action);
}

void check_drifts(const std::vector<Drift>& drifts) {
    for (const auto& drift : drifts) {
        INFO(drift.name);
        auto world = ready_world();
        drift.change(world);
        const auto plan = look_and_plan(world, sample_manifest()).plan;
        INFO(to_text(plan));
        CHECK_FALSE(plan.empty());
        CHECK(stops(plan) == (drift.expect != Expect::Step));
        CHECK(plan.refusals.empty() == (drift.expect != Expect::Refusal));
        if (drift.expect == Expect::Refusal) continue;
        const auto result = apply(world, sample_manifest());
        CHECK(result.exit == Exit::Ok);
        CHECK(look_and_plan(world, sample_manifest()).plan.empty());
        CHECK(world.leak().empty());
        CHECK(world.violations.empty());
    }
}

template <class Change>
Drift container(const char* field, Expect expect, Change change) {
    return {field, expect, [change](ModelWorld& world) { change(world.container_named("bottle-docs-writer-egress")->is); }};
}

template <class Change>
Drift network(const char* field, Expect expect, Change change) {
    return {field, expect, [change](ModelWorld& world) { change(world.network_named("bottle-docs-writer")->is); }};
}

template <class Change>
Drift row(const char* key, Expect expect, Change change) {
    return {key, expect, [change](ModelWorld& world) { world.change_row([change](nlohmann::ordered_json& row) { change(row); }); }};
}

template <class Change>
Drift process(const char* field, Change change) {
    return {field, Expect::Stop, [change](ModelWorld& world) { change(*world.live); }};
}

template <class Change>
Drift config(const char* field, Change change) {
    return {field, Expect::Stop, [change](ModelWorld& world) {
                auto json = nlohmann::ordered_json::parse(world.live->running_config);
                change(json);
                world.live->running_config = json.dump();
            }};
}

}  // namespace

TEST_CASE("drift: every field of a container") {
    using C = Container;
    check_drifts({
        container("Image", Expect::Stop, [](C& c) { c.image_id = "sha256:other"; }),
        container("Entrypoint", Expect::Stop, [](C& c) { c.entrypoint = {"/bin/sh"}; }),
        container("Cmd", Expect::Stop, [](C& c) { c.command = {"-x"}; }),
        container("Env", Expect::Stop, [](C& c) { c.env.emplace_back("LD_PRELOAD=/x"); }),
        container("User", Expect::Stop, [](C& c) { c.user = "0"; }),
        container("WorkingDir", Expect::Step, [](C& c) { c.working_dir = "/x"; }),
        container("Hostname", Expect::Step, [](C& c) { c.hostname = "x"; }),
        container("Labels", Expect::Step, [](C& c) { c.labels["more"] = "x"; }),
        container("NetworkMode", Expect::Stop, [](C& c) { c.network_mode = "host"; }),
        container("Privileged", Expect::Stop, [](C& c) { c.privileged = true; }),
        container("ReadonlyRootfs", Expect::Stop, [](C& c) { c.read_only_rootfs = false; }),
        container("PublishAllPorts", Expect::Stop, [](C& c) { c.publish_all_ports = true; }),
        container("PortBindings", Expect::Stop, [](C& c) { c.published_ports = {"9099/tcp -> 0.0.0.0:80"}; }),
        container("Tty", Expect::Step, [](C& c) { c.tty = true; }),
        container("OpenStdin", Expect::Step, [](C& c) { c.open_stdin = true; }),
        container("AutoRemove", Expect::Step, [](C& c) { c.auto_remove = true; }),
        container("Init", Expect::Step, [](C& c) { c.init = true; }),
        container("CapAdd", Expect::Stop, [](C& c) { c.cap_add.emplace_back("NET_ADMIN"); }),
        container("CapDrop", Expect::Stop, [](C& c) { c.cap_drop.clear(); }),
        container("SecurityOpt", Expect::Stop, [](C& c) { c.security_opt.clear(); }),
        container("Mounts", Expect::Stop, [](C& c) { c.mounts.emplace_back("bind /etc:/etc"); }),
        container("Tmpfs", Expect::Step, [](C& c) { c.tmpfs.clear(); }),
        container("Devices", Expect::Stop, [](C& c) { c.devices = {"/dev/kvm"}; }),
        container("ExtraHosts", Expect::Stop, [](C& c) { c.extra_hosts = {"a:1.2.3.4"}; }),
        container("Dns", Expect::Stop, [](C& c) { c.dns = {"1.1.1.1"}; }),
        container("Links", Expect::Stop, [](C& c) { c.links = {"db"}; }),
        container("PidMode", Expect::Stop, [](C& c) { c.pid_mode = "host"; }),
        container("IpcMode", Expect::Stop, [](C& c) { c.ipc_mode = "host"; }),
        container("UTSMode", Expect::Stop, [](C& c) { c.uts_mode = "host"; }),
        container("UsernsMode", Expect::Stop, [](C& c) { c.userns_mode = "host"; }),
        container("RestartPolicy", Expect::Step, [](C& c) { c.restart_policy = "always"; }),
        container("Runtime", Expect::Stop, [](C& c) { c.runtime = "other"; }),
        container("LogConfig", Expect::Step, [](C& c) { c.log_driver = "none"; }),
        container("Memory", Expect::Step, [](C& c) { c.memory += 1; }),
        container("MemorySwap", Expect::Step, [](C& c) { c.memory_swap += 1; }),
        container("NanoCpus", Expect::Step, [](C& c) { c.nano_cpus += 1; }),
        container("PidsLimit", Expect::Step, [](C& c) { c.pids_limit += 1; }),
        container("a setting that is not modelled", Expect::Stop, [](C& c) { c.extras["HostConfig.CgroupParent"] = "\"x\""; }),
        container("a setting that nobody knows", Expect::Stop, [](C& c) { c.extras["HostConfig.NeverSeen"] = "1"; }),
        container("a health check", Expect::Stop, [](C& c) { c.extras["Config.Healthcheck"] = "{\"Test\":[\"CMD\",\"/x\"]}"; }),
        {"its state", Expect::Step, [](ModelWorld& w) { w.stop_container("bottle-docs-writer-egress"); }},
        {"infra on one more network", Expect::Stop,
         [](ModelWorld& w) {
             w.add_foreign_network("leaknet", "172.18.0.0/16");
             w.connect("leaknet", "bottle-docs-writer-infra");
         }},
        {"a bundle container on a network of its own", Expect::Stop,
         [](ModelWorld& w) {
             w.add_foreign_network("leaknet", "172.18.0.0/16");
             w.connect("leaknet", "bottle-docs-writer-egress");
         }},
        {"a stranger on the internal network", Expect::Stop, [](ModelWorld& w) { w.add_foreign_container("curious", "bottle-docs-writer"); }},
        {"a stranger on the external network", Expect::Stop, [](ModelWorld& w) { w.add_foreign_container("curious", "bottle-docs-writer-external"); }},
        {"the tag moved", Expect::Step, [](ModelWorld& w) { w.images.at("bottle-egress:1").id = "sha256:" + std::string(64, 'a'); }},
        {"infra's limits", Expect::Stop, [](ModelWorld& w) { w.container_named("bottle-docs-writer-infra")->is.memory *= 2; }},
        {"infra's address", Expect::Stop, [](ModelWorld& w) { w.container_named("bottle-docs-writer-infra")->is.networks.front().ipv4 = "10.231.0.3"; }},
    });
}

TEST_CASE("drift: every field of a network") {
    using N = Network;
    check_drifts({
        network("Driver", Expect::Stop, [](N& n) { n.driver = "macvlan"; }),
        network("Internal", Expect::Stop, [](N& n) { n.internal = false; }),
        network("EnableIPv6", Expect::Stop, [](N& n) { n.ipv6 = true; }),
        network("Attachable", Expect::Stop, [](N& n) { n.attachable = true; }),
        network("Ingress", Expect::Stop, [](N& n) { n.ingress = true; }),
        network("Scope", Expect::Stop, [](N& n) { n.scope = "swarm"; }),
        network("IPAM", Expect::Stop, [](N& n) { n.ipam.emplace_back("10.9.0.0/24 - -"); }),
        network("Options", Expect::Stop, [](N& n) { n.options["com.docker.network.bridge.enable_ip_masquerade"] = "true"; }),
        network("Labels", Expect::Stop, [](N& n) { n.labels["more"] = "x"; }),
        network("a setting that is not modelled", Expect::Stop, [](N& n) { n.extras["IPAM.Driver"] = "\"evil\""; }),
    });
}

TEST_CASE("drift: a volume whose files lie elsewhere is left to a human") {
    for (const bool driver : {true, false}) {
        auto world = ready_world(sample_with_volume());
        auto& volume = world.volumes.at("bottle-docs-writer-cache");
        if (driver) volume.driver = "other";
        else volume.options = {{"type", "none"}, {"o", "bind"}, {"device", "/etc"}};
        const auto plan = look_and_plan(world, sample_with_volume()).plan;
        CHECK(stops(plan));
        REQUIRE(plan.refusals.size() == 1);
        CHECK(plan.refusals.front().text.find("its files lie in another place") != std::string::npos);
        CHECK(plan.refusals.front().text.find("/etc") == std::string::npos);
    }
}

TEST_CASE("drift: somebody else carries addresses of ours") {
    const auto bridge = [](const ModelWorld& world, const char* name) {
        for (const auto& [id, network] : world.networks) {
            if (network.is.name == name) return "br-" + id.substr(0, 12);
        }
        return std::string();
    };
    auto ready = ready_world();
    // What a host with this bottle has, and what is wider or elsewhere: nothing of it is in the way.
    ready.host.carriers = {{"10.231.0.0/29", bridge(ready, "bottle-docs-writer")},
                           {"10.231.0.1/32", bridge(ready, "bottle-docs-writer")},
                           {"10.232.0.0/29", bridge(ready, "bottle-docs-writer-external")},
                           {"10.232.0.1/32", bridge(ready, "bottle-docs-writer-external")},
                           {"10.0.0.0/8", "tun0"},
                           {"10.231.0.8/29", "br-other"},
                           {"192.168.7.5/32", "eth0"},
                           {"no subnet", "eth0"}};
    CHECK(look_and_plan(ready, sample_manifest()).plan.empty());

    const Carrier foreign[] = {{"10.231.0.0/29", "br-twin"}, {"10.231.0.1/32", "br-twin"}, {"10.231.0.2/32", "eth0"}, {"10.231.0.4/30", "tun0"}, {"10.231.0.2/32", ""},
                               {"10.232.0.0/29", "br-twin"}, {"10.231.0.0/29", bridge(ready, "bottle-docs-writer-external")}};
    for (const auto& carrier : foreign) {
        INFO(carrier.destination << " " << carrier.interface);
        auto world = ready;
        world.host.carriers.push_back(carrier);
        const auto running = look_and_plan(world, sample_manifest()).plan;
        CHECK(stops(running));
        CHECK(running.steps.size() == 1);
        REQUIRE(running.refusals.size() == 1);
        CHECK(running.refusals.front().text.find(carrier.destination) != std::string::npos);
        CHECK(running.refusals.front().text.find(carrier.interface) != std::string::npos);
        // And nothing is started while it is so.
        world.kill_vmm();
        CHECK(apply(world, sample_manifest()).exit != Exit::Ok);
        CHECK_FALSE(world.live);
        world.host.carriers.pop_back();
        CHECK(apply(world, sample_manifest()).exit == Exit::Ok);
    }
}

TEST_CASE("drift: every key of the machine's row") {
    using J = nlohmann::ordered_json;
    std::vector<Drift> drifts = {
        row("allowed_cidrs null", Expect::Stop, [](J& r) { r["allowed_cidrs"] = nullptr; }),
        row("allowed_cidrs everywhere", Expect::Stop, [](J& r) { r["allowed_cidrs"] = {"0.0.0.0/0"}; }),
        row("allowed_cidrs and one more", Expect::Stop, [](J& r) { r["allowed_cidrs"].push_back("10.99.0.1/32"); }),
        row("allowed_cidrs empty", Expect::Stop, [](J& r) { r["allowed_cidrs"] = J::array(); }),
        row("allowed_cidrs missing", Expect::Stop, [](J& r) { r.erase("allowed_cidrs"); }),
        row("dns_filter_hosts missing", Expect::Stop, [](J& r) { r.erase("dns_filter_hosts"); }),
        row("dns_filter_hosts null", Expect::Stop, [](J& r) { r["dns_filter_hosts"] = nullptr; }),
        row("dns_filter_hosts with a name", Expect::Stop, [](J& r) { r["dns_filter_hosts"] = {"example.com"}; }),
        row("network", Expect::Stop, [](J& r) { r["network"] = false; }),
        row("cpus", Expect::Stop, [](J& r) { r["cpus"] = 9; }),
        row("mem", Expect::Stop, [](J& r) { r["mem"] = 9; }),
        row("state", Expect::Stop, [](J& r) { r["state"] = "stopped"; }),
        row("pid", Expect::Stop, [](J& r) { r["pid"] = 1; }),
        row("pid_start_time", Expect::Stop, [](J& r) { r["pid_start_time"] = 1; }),
        {"row is TEXT", Expect::Stop, [](ModelWorld& w) { w.row->is_blob = false; }},
        {"row gone", Expect::Refusal, [](ModelWorld& w) { w.row.reset(); }},
        {"row is no JSON", Expect::Refusal, [](ModelWorld& w) { w.row->data = "{"; }},
    };
    auto world = ready_world();
    const auto good = J::parse(world.row->data);
    // Only a human can say what a machine shall be that has any other key, or another value in one.
    for (const auto& [key, value] : good.items()) {
        const bool repairable = key == "allowed_cidrs" || key == "dns_filter_hosts" || key == "network" || key == "cpus" || key == "mem" || key == "state" ||
                                key == "pid" || key == "pid_start_time";
        // Hints that smolvm writes by itself: any value of the right form is one.
        const bool hint = key == "created_at" || key == "last_exit_code" || key == "init_completed";
        if (repairable || hint) continue;
        drifts.push_back({"", Expect::Refusal, [key = key](ModelWorld& w) { w.change_row([&](J& r) { r[key] = "tampered"; }); }});
        if (later_row_keys().count(key) == 0) drifts.push_back({"", Expect::Refusal, [key = key](ModelWorld& w) { w.change_row([&](J& r) { r.erase(key); }); }});
    }
    for (const auto* key : {"network_backend", "network_name", "secret_refs", "dns", "golden", "forkable", "never_seen"}) {
        drifts.push_back({key, Expect::Refusal, [key](ModelWorld& w) { w.change_row([&](J& r) { r[key] = "x"; }); }});
    }
    for (const auto* key : {"created_at", "last_exit_code", "init_completed"}) {
        drifts.push_back({key, Expect::Refusal, [key](ModelWorld& w) { w.change_row([&](J& r) { r[key] = "tampered"; }); }});
    }
    check_drifts(drifts);
}

TEST_CASE("drift: everything of the VMM's process") {
    using L = LiveMachine;
    check_drifts({
        process("pid", [](L& l) { l.pid += 1; }),
        process("start time", [](L& l) { l.start_time += 1; }),
        process("uid", [](L& l) { l.uid = 0; }),
        process("executable", [](L& l) { l.executable.inode += 1; }),
        process("executable, same inode and rewritten", [](L& l) { l.executable.mtime_ns += 1; }),
        process("libkrun", [](L& l) { l.libraries.front().inode += 1; }),
        process("no libkrun", [](L& l) { l.libraries.clear(); }),
        process("a library more", [](L& l) { l.libraries.push_back({"/tmp/libkrun.so", 9, 9, 9, 9, 9}); }),
        process("SMOLVM_EGRESS_FLOOR", [](L& l) { l.environment["SMOLVM_EGRESS_FLOOR"] = "off"; }),
        process("SMOLVM_PUBLISH_ADDR", [](L& l) { l.environment["SMOLVM_PUBLISH_ADDR"] = "0.0.0.0"; }),
        process("LD_PRELOAD", [](L& l) { l.environment["LD_PRELOAD"] = "/tmp/x.so"; }),
        process("LD_AUDIT", [](L& l) { l.environment["LD_AUDIT"] = "/tmp/x.so"; }),
        process("LD_LIBRARY_PATH elsewhere", [](L& l) { l.environment["LD_LIBRARY_PATH"] = "/tmp"; }),
        process("LD_LIBRARY_PATH and one more folder", [](L& l) { l.environment["LD_LIBRARY_PATH"] = "/opt/smolvm:/tmp"; }),
        process("LD_LIBRARY_PATH and the current folder", [](L& l) { l.environment["LD_LIBRARY_PATH"] = "/opt/smolvm:"; }),
        process("LD_LIBRARY_PATH and another of the kernel's folders", [](L& l) { l.environment["LD_LIBRARY_PATH"] = "/opt/smolvm:/proc/1/root/tmp"; }),
        process("LD_LIBRARY_PATH empty", [](L& l) { l.environment["LD_LIBRARY_PATH"] = ""; }),
        process("SMOLVM_LIB_DIR elsewhere", [](L& l) { l.environment["SMOLVM_LIB_DIR"] = "/tmp"; }),
        {"gone", Expect::Step,
         [](ModelWorld& w) {
             w.kill_vmm();
             w.workload.reset();
         }},
        {"the start is not recorded", Expect::Stop, [](ModelWorld& w) { w.stored.start.reset(); }},
        {"the proof is of another boot", Expect::Stop, [](ModelWorld& w) { w.stored.proof->key.pid += 1; }},
        {"a guest evidence is not there", Expect::Stop, [](ModelWorld& w) { w.stored.proof->evidence.clear(); }},
        {"a guest evidence fails", Expect::Stop, [](ModelWorld& w) { w.stored.proof->evidence.front().verdict = Verdict::Fails; }},
        {"a guest evidence is unknown", Expect::Stop, [](ModelWorld& w) { w.stored.proof->evidence.front().verdict = Verdict::Unknown; }},
    });
}

TEST_CASE("drift: everything of the running configuration") {
    using J = nlohmann::ordered_json;
    auto world = ready_world();
    const auto good = J::parse(world.live->running_config);
    std::vector<Drift> drifts = {
        config("allowed_cidrs null", [](J& j) { j["resources"]["allowed_cidrs"] = nullptr; }),
        config("allowed_cidrs and one more", [](J& j) { j["resources"]["allowed_cidrs"].push_back("0.0.0.0/0"); }),
        config("an unknown key", [](J& j) { j["more"] = 1; }),
        config("an unknown resource", [](J& j) { j["resources"]["more"] = 1; }),
        {"not there", Expect::Stop, [](ModelWorld& w) { w.live->running_config = ""; }},
    };
    for (const auto& [key, value] : good.items()) {
        drifts.push_back(config("a key", [key = key](J& j) { j[key] = "tampered"; }));
        drifts.push_back(config("a key", [key = key](J& j) { j.erase(key); }));
    }
    for (const auto& [key, value] : good.at("resources").items()) {
        drifts.push_back(config("a resource", [key = key](J& j) { j["resources"][key] = "tampered"; }));
        drifts.push_back(config("a resource", [key = key](J& j) { j["resources"].erase(key); }));
    }
    for (const auto* name : {"egress.sock", "ports.sock", "control.sock", "egress-update.lock"}) {
        drifts.push_back({name, Expect::Stop, [name](ModelWorld& w) { w.live->channels = {name}; }});
    }
    check_drifts(drifts);
}

TEST_CASE("drift: everything of the firewall") {
    std::vector<Drift> drifts = {
        {"flushed", Expect::Stop, [](ModelWorld& w) { w.firewall.reset(); }},
        {"unreadable where it stood", Expect::Refusal, [](ModelWorld& w) { w.firewall_unreadable = "Operation not permitted"; }},
        {"no JSON", Expect::Stop, [](ModelWorld& w) { w.firewall = "{"; }},
        {"another text", Expect::Stop, [](ModelWorld& w) { w.firewall = R"({"nftables": 7})"; }},
        {"one more port", Expect::Stop, [](ModelWorld& w) { w.firewall = listed_firewall(2'900'000, "10.231.0.2", {22, 9099}); }},
        {"another address", Expect::Stop, [](ModelWorld& w) { w.firewall = listed_firewall(2'900'000, "10.231.0.3", {9099}); }},
        {"another uid", Expect::Stop, [](ModelWorld& w) { w.firewall = listed_firewall(2'900'001, "10.231.0.2", {9099}); }},
        {"no port", Expect::Stop, [](ModelWorld& w) { w.firewall = listed_firewall(2'900'000, "10.231.0.2", {}); }},
        {"the start was made before it", Expect::Stop, [](ModelWorld& w) { w.stored.start->firewalled = false; }},
    };
    // Each value in the listing made another one, and each list longer, shorter and turned round. What nftables counts is no difference.
    const auto good = nlohmann::json::parse(*ready_world().firewall);
    const auto flat = good.flatten();
    for (const auto& [pointer, value] : flat.items()) {
        if (pointer.find("/metainfo") != std::string::npos || pointer.find("/handle") != std::string::npos || pointer.find("/counter") != std::string::npos) continue;
        auto changed = good;
        changed[nlohmann::json::json_pointer(pointer)] = value.is_number() ? nlohmann::json(value.get<int>() + 1) : nlohmann::json("other");
        drifts.push_back({"a value", Expect::Stop, [text = changed.dump()](ModelWorld& w) { w.firewall = text; }});
    }
    for (std::size_t i = 1; i < good["nftables"].size(); ++i) {
        auto without = good;
        without["nftables"].erase(i);
        auto twice = good;
        twice["nftables"].push_back(good["nftables"][i]);
        auto turned = good;
        std::swap(turned["nftables"][i], turned["nftables"][i == 1 ? 2 : i - 1]);
        for (const auto& changed : {without, twice, turned}) drifts.push_back({"the list", Expect::Stop, [text = changed.dump()](ModelWorld& w) { w.firewall = text; }});
    }
    check_drifts(drifts);

    auto counted = ready_world();
    auto more = good;
    more["nftables"][3]["rule"]["expr"][3]["counter"]["packets"] = 123456;
    counted.firewall = more.dump();
    CHECK(look_and_plan(counted, sample_manifest()).plan.empty());
}

TEST_CASE("drift: the route to the bundle") {
    for (const bool is_running : {true, false}) {
        auto world = ready_world();
        if (!is_running) world.kill_vmm();
        auto snapshot = world.observe(scope_of(world, sample_manifest()));
        const auto desired = desire(sample_manifest(), {}, *world.stored.allocation, snapshot, test_digest());
        REQUIRE(plan_apply(desired, snapshot, {}).empty() == is_running);
        const Observation<Route> wrong[] = {Route{"eth0", false, false}, Route{snapshot.route->device, true, false}, Route{snapshot.route->device, false, true},
                                            Absent{}, Unknown{"netlink: no answer"}};
        for (const auto& route : wrong) {
            snapshot.route = route;
            CHECK(stops(plan_apply(desired, snapshot, {})) == is_running);
        }
    }
}
