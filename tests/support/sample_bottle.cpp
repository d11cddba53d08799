#include "tests/support/sample_bottle.h"

#include "reconciler/allocate.h"

#include <fmt/format.h>

#include <stdexcept>

namespace bottle::model {

Manifest sample_manifest() {
    Manifest manifest;
    manifest.place = {"bottle.yaml", 3, 1};
    manifest.name = "docs-writer";
    manifest.labels = {{"team", "docs"}};
    manifest.machine.rootfs = "/srv/agent-rootfs";
    manifest.machine.user = "node";
    manifest.agent.command = {"claude", "--print"};
    manifest.agent.env = {{"LANG", "C.UTF-8"}};
    ContainerSpec egress;
    egress.place = {"bottle.yaml", 12, 9};
    egress.name = "egress";
    egress.image = "bottle-egress:1";
    egress.image_place = {"bottle.yaml", 13, 16};
    egress.ports = {{"proxy", 9099}};
    egress.env = {{"MODE", "strict"}};
    egress.user = "1000";
    egress.capabilities = {"NET_BIND_SERVICE"};
    manifest.bundle.containers = {egress};
    return manifest;
}

Manifest sample_with_volume() {
    auto manifest = sample_manifest();
    manifest.bundle.containers.front().volumes = {{"cache", "/var/cache"}};
    return manifest;
}

Manifest sample_with_socket() {
    auto manifest = sample_manifest();
    manifest.network.mode = NetworkMode::Socket;
    manifest.network.mode_place = {"bottle.yaml", 9, 11};
    return manifest;
}

Manifest sample_with_secret() {
    auto manifest = sample_manifest();
    manifest.agent.secrets = {{"API_TOKEN", "api-token"}};
    manifest.places["/spec/agent/env/API_TOKEN/secret"] = {"bottle.yaml", 11, 30};
    return manifest;
}

Manifest sample_with_files() {
    auto manifest = sample_manifest();
    manifest.agent.provider = Provider::Claude;
    manifest.agent.prompt = CopySpec{"prompt.md", "/srv/docs", "./prompt.md", {"bottle.yaml", 9, 13}};
    manifest.agent.skills = {{"review", "/srv/docs", "./skills/review", {"bottle.yaml", 10, 14}}, {"lint", "/srv/docs", "./skills/lint", {"bottle.yaml", 10, 31}}};
    manifest.agent.command = default_command(Provider::Claude, true);
    return manifest;
}

void add_agent_files(ModelWorld& world) {
    world.agent_files = {{"/srv/docs/prompt.md", std::string("prompt 1")}, {"/srv/docs/skills/review", std::string("review 1")}, {"/srv/docs/skills/lint", std::string("lint 1")}};
}

ModelWorld world_with_secret() {
    auto world = empty_world();
    world.policy.file = "/etc/bottle/config.yaml";
    world.policy.secrets["api-token"] = {{"/etc/bottle/config.yaml", 4, 3}, SecretVariable{"API_TOKEN"}, {"web", "docs-*"}, {"api.example.com", "git.example.com"}};
    world.secrets["api-token"] = std::string("fingerprint 1");
    return world;
}

Manifest sample_on_loopback() {
    auto manifest = sample_manifest();
    manifest.network.mode = NetworkMode::TsiLoopback;
    manifest.network.mode_place = {"bottle.yaml", 9, 11};
    manifest.bundle.containers.front().ports = {{"proxy", 9099}, {"git", 10418}};
    return manifest;
}

ModelWorld loopback_world() {
    auto world = empty_world();
    world.host.euid = 1500;
    world.host.state_folder = "/home/sam/.local/state/bottle";
    world.host.accepted_smolvm = "1.1.2";
    world.policy.file = "/home/sam/.config/bottle/config.yaml";
    world.policy.network.tsi_loopback = true;
    world.policy.smolvm.accept = {{{}, "1.1.2", {}}};
    return world;
}

Image egress_image() {
    Image image;
    image.id = "sha256:62985db63049" + std::string(52, '1');
    image.entrypoint = {"/usr/sbin/squid"};
    image.command = {"-N"};
    image.env = {"PATH=/usr/bin"};
    return image;
}

KeyedDigest test_digest() {
    // FNV-1a: the same on every host.
    return [](std::string_view text) {
        std::uint64_t hash = 14695981039346656037u;
        for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
        return fmt::format("{:016x}", hash);
    };
}

ModelWorld empty_world() {
    ModelWorld world;
    world.add_image("bottle-egress:1", egress_image());
    return world;
}

ModelWorld ready_world(const Manifest& manifest) {
    auto world = !manifest.agent.secrets.empty() ? world_with_secret() : manifest.network.mode == NetworkMode::TsiLoopback ? loopback_world() : empty_world();
    if (manifest.agent.prompt) add_agent_files(world);
    if (const auto result = apply(world, manifest); result.exit != Exit::Ok) throw std::logic_error(result.problems.front().text);
    return world;
}

Scope scope_of(const ModelWorld& world, const Manifest& manifest) {
    Scope scope;
    scope.bottle = manifest.name;
    scope.image_refs = {kPauseImage};
    for (const auto& container : manifest.bundle.containers) scope.image_refs.push_back(container.image);
    if (!manifest.machine.docker.empty()) scope.image_refs.push_back(manifest.machine.docker);
    scope.image_source = image_source_of(manifest.machine, world.host.euid);
    scope.tsi_loopback = manifest.network.mode == NetworkMode::TsiLoopback;
    if (world.stored.allocation) {
        scope.bundle_address = bundle_address_of(world.stored.allocation->internal_subnet);
        scope.vmm_uid = world.stored.allocation->vmm_uid;
        if (manifest.network.mode == NetworkMode::TsiLoopback) scope.bundle_address = world.stored.allocation->alias;
        if (manifest.network.mode == NetworkMode::Socket) scope.socket_folder = socket_folder_path(*world.stored.allocation, world.host.state_folder, manifest.name);
    }
    return scope;
}

Planned look_and_plan(ModelWorld& world, const Manifest& manifest, const PlanOptions& options) {
    return look_and_plan(world, world, manifest, options);
}

Planned look_and_plan(ModelWorld& world, Observer& observer, const Manifest& manifest, const PlanOptions& options) {
    const auto snapshot = observer.observe(scope_of(world, manifest));
    const auto chosen = allocate(manifest, {}, snapshot);
    const auto* allocation = std::get_if<Allocation>(&chosen);
    const auto held = world.stored.allocation.value_or(Allocation{"10.231.0.0/29", "10.232.0.0/29", 0});
    Planned planned;
    planned.desired = desire(manifest, world.policy, allocation != nullptr ? *allocation : held, snapshot, test_digest());
    planned.plan = plan_apply(planned.desired, snapshot, options);
    return planned;
}

ConvergeResult apply(ModelWorld& world, const Manifest& manifest, const PlanOptions& options) {
    return apply(world, manifest, world, world, options);
}

ConvergeResult apply(ModelWorld& world, const Manifest& manifest, Executor& executor, const PlanOptions& options) {
    return apply(world, manifest, world, executor, options);
}

ConvergeResult apply(ModelWorld& world, const Manifest& manifest, Observer& observer, Executor& executor, const PlanOptions& options) {
    const auto first = observer.observe(scope_of(world, manifest));
    const auto chosen = allocate(manifest, {}, first);
    if (const auto* allocation = std::get_if<Allocation>(&chosen)) world.stored.allocation = *allocation;
    const auto allocation = world.stored.allocation.value_or(Allocation{"10.231.0.0/29", "10.232.0.0/29", 0});
    const Planner planner = [&](const Snapshot& snapshot, const PlanOptions& plan_options) {
        auto desired = desire(manifest, world.policy, allocation, snapshot, test_digest());
        auto plan = plan_apply(desired, snapshot, plan_options);
        return Planned{std::move(desired), std::move(plan)};
    };
    ModelClock clock;
    Quiet quiet;
    ConvergeOptions converge_options;
    converge_options.plan = options;
    return converge(manifest.name, scope_of(world, manifest), planner, observer, executor, clock, quiet, converge_options);
}

ConvergeResult remove(ModelWorld& world, const std::string& bottle) {
    return remove(bottle, world, world);
}

ConvergeResult remove(const std::string& bottle, Observer& observer, Executor& executor) {
    const Planner planner = [&](const Snapshot& snapshot, const PlanOptions&) {
        Planned planned;
        planned.desired.name = bottle;
        planned.plan = plan_delete(bottle, snapshot);
        return planned;
    };
    ModelClock clock;
    Quiet quiet;
    Scope scope;
    scope.bottle = bottle;
    scope.image_refs = {kPauseImage};
    ConvergeOptions options;
    options.may_lose_data = true;
    return converge(bottle, scope, planner, observer, executor, clock, quiet, options);
}

}  // namespace bottle::model
