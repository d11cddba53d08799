#include "reconciler/report.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <random>

using namespace bottle;
using namespace bottle::model;

namespace {

using Random = std::mt19937;
using Json = nlohmann::ordered_json;

/// Where a bottle can come to by itself, or must leave it to a human.
enum class End { Ready, Refused };

struct Event {
    const char* name;
    End end;
    std::function<void(ModelWorld&, Random&)> happen;
};

template <class T>
T& any_of(std::vector<T>& items, Random& random) {
    return items[random() % items.size()];
}

std::string any_of_ours(Random& random) {
    return random() % 2 == 0 ? "bottle-docs-writer-infra" : "bottle-docs-writer-egress";
}
std::string any_network(Random& random) {
    return random() % 2 == 0 ? "bottle-docs-writer" : "bottle-docs-writer-external";
}

void tamper_allowlist(ModelWorld& world, Random& random) {
    static std::vector<Json> lists = {nullptr, Json::array(), {"0.0.0.0/0"}, {"10.231.0.2/32", "10.99.0.1/32"}, {"10.231.0.3/32"}, {"10.231.0.2"}, "10.231.0.2/32", 7};
    world.change_row([&](Json& row) {
        switch (random() % 4) {
            case 0: row["allowed_cidrs"] = any_of(lists, random); break;
            case 1: row.erase("dns_filter_hosts"); break;
            case 2: row["dns_filter_hosts"] = {"evil.example"}; break;
            default: row["network"] = random() % 2 == 0; row["allowed_cidrs"] = any_of(lists, random);
        }
    });
}

void drift_container(ModelWorld& world, Random& random) {
    auto* container = world.container_named(any_of_ours(random));
    if (container == nullptr) return;
    switch (random() % 8) {
        case 0: container->is.privileged = true; break;
        case 1: container->is.env.emplace_back("X=1"); break;
        case 2: container->is.image_id = "sha256:old"; break;
        case 3: container->is.cap_add.emplace_back("SYS_ADMIN"); break;
        case 4: container->is.memory += 4096; break;
        case 5: container->is.extras["HostConfig.Isolation"] = "\"x\""; break;
        case 6: container->status = std::vector<std::string>{"created", "paused", "restarting", "exited", "dead"}[random() % 5]; break;
        default: container->is.labels.erase("bottle.label.team");
    }
}

void drift_network(ModelWorld& world, Random& random) {
    auto* network = world.network_named(any_network(random));
    if (network == nullptr) return;
    switch (random() % 4) {
        case 0: network->is.internal = !network->is.internal; break;
        case 1: network->is.options["com.docker.network.bridge.gateway_mode_ipv4"] = "routed"; break;
        case 2: network->is.attachable = true; break;
        default: network->is.ipam.emplace_back("10.77.0.0/24 - -");
    }
}

void drift_process(ModelWorld& world, Random& random) {
    if (!world.live) return;
    switch (random() % 6) {
        case 0: world.live->uid = 0; break;
        case 1: world.live->environment["SMOLVM_PUBLISH_ADDR"] = "0.0.0.0"; break;
        case 2: world.live->libraries.front().ctime_ns += 1; break;
        case 3: world.live->channels.insert("egress.sock"); break;
        case 4: world.live->running_config = "{}"; break;
        default: world.live->start_time += 1;
    }
}

const std::vector<Event>& events() {
    static const std::vector<Event> kEvents = {
        {"allowlist tampered", End::Ready, tamper_allowlist},
        {"resources tampered", End::Ready, [](ModelWorld& w, Random& r) { w.change_row([&](Json& row) { row[r() % 2 == 0 ? "cpus" : "mem"] = 1 + r() % 5; }); }},
        {"row made TEXT", End::Ready, [](ModelWorld& w, Random&) { if (w.row) w.row->is_blob = false; }},
        {"VMM killed", End::Ready, [](ModelWorld& w, Random&) { w.kill_vmm(); }},
        {"VMM paused", End::Ready, [](ModelWorld& w, Random&) { if (w.live) w.live->paused = true; }},
        {"started by hand", End::Ready, [](ModelWorld& w, Random&) { w.kill_vmm(); w.start_by_hand(); }},
        {"opened while it ran unsealed", End::Ready, [](ModelWorld& w, Random&) { w.kill_vmm(); w.start_by_hand(); w.open_live("0.0.0.0/0"); }},
        {"process drifted", End::Ready, drift_process},
        {"container drifted", End::Ready, drift_container},
        {"network drifted", End::Ready, drift_network},
        {"container removed", End::Ready, [](ModelWorld& w, Random& r) { w.remove_container(any_of_ours(r)); }},
        {"container restarted", End::Ready, [](ModelWorld& w, Random& r) { w.restart_container(any_of_ours(r)); }},
        {"network removed", End::Ready, [](ModelWorld& w, Random& r) { w.remove_network(any_network(r)); }},
        {"infra disconnected", End::Ready, [](ModelWorld& w, Random& r) { w.disconnect(any_network(r), "bottle-docs-writer-infra"); }},
        {"stranger on our network", End::Ready,
         [](ModelWorld& w, Random& r) { w.add_foreign_container(fmt::format("stranger{}", r() % 100'000), any_network(r)); }},
        {"infra on another network", End::Ready,
         [](ModelWorld& w, Random& r) {
             const auto name = fmt::format("compose{}", r() % 100'000);
             w.add_foreign_network(name, "172.20.0.0/16");
             w.connect(name, "bottle-docs-writer-infra");
         }},
        {"host restarted", End::Ready, [](ModelWorld& w, Random&) { w.reboot(); }},
        {"image rebuilt", End::Ready, [](ModelWorld& w, Random& r) { w.images["bottle-egress:1"].id = fmt::format("sha256:{:064}", r()); }},
        {"pause image removed", End::Ready, [](ModelWorld& w, Random&) { w.images.erase(kPauseImage); }},
        {"workload ended", End::Ready, [](ModelWorld& w, Random& r) { if (w.workload) w.workload->state = WorkloadExited{static_cast<int>(1 + r() % 5)}; }},
        {"workload lost", End::Ready, [](ModelWorld& w, Random&) { if (w.workload) w.workload->state = WorkloadLost{}; }},
        {"proof lost", End::Ready, [](ModelWorld& w, Random&) { w.stored.proof.reset(); }},
        {"own records lost", End::Ready, [](ModelWorld& w, Random&) { w.stored = {}; }},
        {"claim lost", End::Ready, [](ModelWorld& w, Random&) { w.uid_claim.reset(); }},
        {"firewall flushed", End::Ready, [](ModelWorld& w, Random&) { w.firewall.reset(); }},
        {"firewall tampered", End::Ready,
         [](ModelWorld& w, Random& r) { if (w.firewall) *w.firewall = listed_firewall(2'900'000, r() % 2 == 0 ? "10.231.0.2" : "10.231.0.9", {22, 9099}); }},
        {"another bottle made", End::Ready,
         [](ModelWorld& w, Random& r) { w.stored.other_allocations["other"] = {fmt::format("10.231.0.{}/29", r() % 2 * 8 + 8), "", 2'900'001}; }},
        {"row damaged", End::Refused, [](ModelWorld& w, Random&) { if (w.row) w.row->data = "{\"name\":"; else w.vm_folder = true; }},
        {"row has unknown keys", End::Refused, [](ModelWorld& w, Random&) { if (w.row) w.change_row([](Json& row) { row["more"] = 1; }); else w.vm_folder = true; }},
        {"row deleted, disks left", End::Refused,
         [](ModelWorld& w, Random&) {
             w.kill_vmm();
             w.row.reset();
             w.vm_folder = true;
         }},
        {"somebody has our name", End::Refused,
         [](ModelWorld& w, Random& r) {
             if (auto* container = w.container_named(any_of_ours(r))) container->is.labels = {{"com.docker.compose.project", "x"}};
             else w.add_foreign_network("bottle-docs-writer", "172.21.0.0/16");
         }},
        {"image gone", End::Refused, [](ModelWorld& w, Random&) { w.images.erase("bottle-egress:1"); }},
        {"Docker down", End::Refused, [](ModelWorld& w, Random&) { w.docker_down = "connection refused"; }},
        {"database locked", End::Refused, [](ModelWorld& w, Random&) { w.database_locked = "database is locked"; }},
        {"firewall unreadable", End::Ready, [](ModelWorld& w, Random&) { w.firewall_unreadable = "Operation not permitted"; }},
        {"socket's file exchanged", End::Ready, [](ModelWorld& w, Random& r) { if (w.socket_place && !w.socket_place->entries.empty()) w.socket_place->entries.front().inode += 1 + r() % 5; }},
        {"socket's folder opened", End::Ready, [](ModelWorld& w, Random&) { if (w.socket_place) w.socket_place->mode = 0777; }},
        {"socket's folder gone", End::Ready, [](ModelWorld& w, Random&) { w.socket_place.reset(); }},
        {"somebody publishes on an address of the loopback", End::Refused,
         [](ModelWorld& w, Random& r) { w.published_by_others.push_back({"c0ffee", fmt::format("web{}", r() % 3), fmt::format("127.0.0.{}", 16 + r() % 2), 80}); }},
        {"somebody listens on every address", End::Refused, [](ModelWorld& w, Random& r) { w.listening.push_back({r() % 2 == 0 ? "tcp" : "udp", "0.0.0.0", 22}); }},
        {"listeners unreadable", End::Refused, [](ModelWorld& w, Random&) { w.listeners_unreadable = "/proc/net/tcp cannot be read"; }},
        {"opt-in taken back", End::Refused, [](ModelWorld& w, Random&) { w.policy.network.tsi_loopback = false; }},
        {"infra published elsewhere", End::Ready,
         [](ModelWorld& w, Random& r) {
             if (auto* infra = w.container_named("bottle-docs-writer-infra")) infra->is.published_ports = {r() % 2 == 0 ? "9099/tcp -> 0.0.0.0:9099" : "9099/tcp -> 127.0.0.17:9099"};
         }},
        {"another claim", End::Refused, [](ModelWorld& w, Random&) { if (w.stored.allocation) w.uid_claim = 2'000'000; else w.docker_down = "connection refused"; }},
    };
    return kEvents;
}

/// bottle dies before, or just after, its n-th step. Its guard then ends a boot that is not proved; within its bound it may live on.
class DyingExecutor : public Executor {
public:
    DyingExecutor(ModelWorld& world, int steps) : world_(world), steps_(steps) {}
    struct Death {};
    Outcome execute(const Step& step, const Desired& desired, const Snapshot& snapshot) override {
        if (steps_-- == 0) throw Death{};
        return world_.execute(step, desired, snapshot);
    }

private:
    ModelWorld& world_;
    int steps_;
};

bool lives_unproved(const ModelWorld& world) {
    if (!world.live) return false;
    const auto& proof = world.stored.proof;
    return !proof || proof->key.pid != world.live->pid || proof->key.start_time != world.live->start_time;
}

void check_end(ModelWorld& world, const Manifest& manifest, End expected) {
    const auto result = apply(world, manifest);
    if (!result.problems.empty()) UNSCOPED_INFO(result.problems.front().text);
    REQUIRE(result.exit == (expected == End::Ready ? Exit::Ok : Exit::Precondition));
    REQUIRE(world.violations.empty());
    REQUIRE_FALSE(lives_unproved(world));
    if (world.live) REQUIRE(world.leak().empty());
    const auto again = look_and_plan(world, manifest);
    if (expected == End::Ready) {
        REQUIRE(again.plan.empty());
        const auto all = conditions(again.desired, world.observe(scope_of(world, manifest)));
        REQUIRE(condition(all, "Ready").status == "True");
    }
    const int before = world.mutations;
    REQUIRE(apply(world, manifest).exit == result.exit);
    REQUIRE(world.mutations == before);
}

}  // namespace

TEST_CASE("from random worlds: one apply converges or refuses, the next does nothing, and nothing runs unproved") {
    const Manifest manifests[] = {sample_with_volume(), sample_with_socket(), sample_on_loopback()};
    const ModelWorld readies[] = {ready_world(manifests[0]), ready_world(manifests[1]), ready_world(manifests[2])};
    const char* const modes[] = {"", ", mode socket", ", mode tsi-loopback"};
    for (unsigned seed = 1; seed <= BOTTLE_TEST_WORLDS; ++seed) {
        Random random(seed);
        const auto mode = random() % 4 == 0 ? 1 : random() % 3 == 0 ? 2 : 0;
        const auto& manifest = manifests[mode];
        auto world = random() % 8 != 0 ? readies[mode] : mode == 2 ? loopback_world() : empty_world();
        auto expected = End::Ready;
        std::string story = fmt::format("seed {}{}", seed, modes[mode]);
        const auto count = random() % 5;
        for (unsigned i = 0; i < count; ++i) {
            const auto& event = events()[random() % events().size()];
            event.happen(world, random);
            story += fmt::format(", {}", event.name);
            if (event.end == End::Refused) expected = End::Refused;
        }
        if (random() % 3 == 0) {
            const int steps = static_cast<int>(random() % 14);
            story += fmt::format(", bottle killed after {} steps", steps);
            DyingExecutor dying(world, steps);
            try {
                apply(world, manifest, dying);
            } catch (const DyingExecutor::Death&) {
                if (lives_unproved(world) && random() % 2 == 0) world.kill_vmm();
            }
        }
        INFO(story);
        // An image that came back, and the like: what a later event repaired is no reason to refuse any more.
        // Nor is what is refused only while a machine lives: it is stopped first.
        auto stopped = world;
        stopped.kill_vmm();
        const auto refused = [&](ModelWorld& w) { return !look_and_plan(w, manifest).plan.refusals.empty(); };
        if (expected == End::Refused && !(refused(world) && refused(stopped))) expected = End::Ready;
        check_end(world, manifest, expected);
    }
}

TEST_CASE("a delete from random worlds leaves nothing of ours, or says why not") {
    const auto ready = ready_world(sample_with_volume());
    for (unsigned seed = 1; seed <= BOTTLE_TEST_WORLDS / 10; ++seed) {
        Random random(seed);
        auto world = ready;
        std::string story = fmt::format("seed {}", seed);
        for (unsigned i = 0; i < random() % 4; ++i) {
            const auto& event = events()[random() % events().size()];
            event.happen(world, random);
            story += fmt::format(", {}", event.name);
        }
        INFO(story);
        const auto result = remove(world, "docs-writer");
        REQUIRE(world.violations.empty());
        REQUIRE_FALSE(world.live);
        if (result.exit != Exit::Ok) {
            REQUIRE_FALSE(result.problems.empty());
            continue;
        }
        REQUIRE_FALSE(world.row);
        for (const auto& [id, container] : world.containers) REQUIRE(container.is.labels.count(label::kName) == 0);
        for (const auto& [id, network] : world.networks) REQUIRE(network.is.labels.count(label::kName) == 0);
    }
}
