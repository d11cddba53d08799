#include "reconciler/resource_documents.h"

#include "manifests/yaml_text.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

std::vector<ResourceDocument> differing(ModelWorld& world, const Manifest& manifest = sample_manifest()) {
    return differing_documents(look_and_plan(world, manifest).desired, world.observe(scope_of(world, manifest)));
}

std::string text_of(const std::vector<ResourceDocument>& documents) {
    std::string text;
    for (const auto& document : documents) {
        text += "== " + document.name + "\n-- seen\n" + (document.seen.is_null() ? "" : yaml_text(document.seen));
        text += "-- wanted\n" + (document.wanted.is_null() ? "" : yaml_text(document.wanted));
    }
    return text;
}

const FieldPair& field(const std::vector<FieldPair>& all, const std::string& name) {
    return *std::find_if(all.begin(), all.end(), [&](const FieldPair& pair) { return pair.name == name; });
}

}  // namespace

TEST_CASE("documents: nothing differs where nothing is to be done") {
    auto world = ready_world(sample_with_volume());
    CHECK(differing(world, sample_with_volume()).empty());
    auto socket = ready_world(sample_with_socket());
    CHECK(differing(socket, sample_with_socket()).empty());
    world.workload->state = WorkloadExited{0};
    CHECK(differing(world, sample_with_volume()).empty());
}

TEST_CASE("golden: documents of a first apply") {
    auto world = empty_world();
    check_golden("documents/first-apply.txt", text_of(differing(world, sample_with_volume())));
}

TEST_CASE("golden: documents of a world that drifted") {
    auto world = ready_world(sample_with_volume());
    world.add_foreign_container("curious\x1b[31m", "bottle-docs-writer");
    auto& egress = world.container_named("bottle-docs-writer-egress")->is;
    egress.memory *= 2;
    egress.env = {"MODE=sesame"};
    egress.command = {"--token=sesame"};
    egress.cap_add = {"NET_ADMIN"};
    egress.extras["HostConfig.Sysctls"] = R"({"net.ipv4.ip_forward":"1"})";
    world.stop_container("bottle-docs-writer-egress");
    world.change_row([](auto& row) {
        row["allowed_cidrs"] = nullptr;
        row["cpus"] = 8;
    });
    world.firewall = listed_firewall(2'900'000, "10.231.0.2", {22, 9099});
    world.workload->state = WorkloadExited{7};
    world.volumes.clear();
    const auto text = text_of(differing(world, sample_with_volume()));
    CHECK(text.find("sesame") == std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    check_golden("documents/drifted.txt", text);
}

TEST_CASE("documents: what could not be read is no absence") {
    auto world = ready_world();
    world.database_locked = "database is locked";
    world.firewall_unreadable = "not permitted";
    auto text = text_of(differing(world));
    CHECK(text.find("unknown: \"database is locked\"") != std::string::npos);
    auto required = sample_manifest();
    required.network.firewall = "required";
    world.docker_down = "connection refused";
    CHECK(text_of(differing(world, required)).find("container") == std::string::npos);
}

TEST_CASE("documents: of values that may be secrets only whether they are others") {
    Container wanted;
    wanted.env = {"A=1", "B=2"};
    Container seen = wanted;
    seen.env = {"A=1", "B=3", "C=4"};
    const auto pairs = container_fields(&wanted, &seen);
    CHECK(field(pairs, "Env.A") == FieldPair{"Env.A", "as wanted", "as wanted"});
    CHECK(field(pairs, "Env.B") == FieldPair{"Env.B", "another", "as wanted"});
    CHECK(field(pairs, "Env.C") == FieldPair{"Env.C", "another", ""});
    CHECK(field(container_fields(&wanted, nullptr), "Env.A") == FieldPair{"Env.A", "", "as wanted"});
    CHECK(field(container_fields(nullptr, &seen), "Env.A") == FieldPair{"Env.A", "another", ""});
    // No second limit where the kernel has no swap accounting: nothing to repair.
    seen.memory_swap = -1;
    wanted.memory_swap = 1024;
    CHECK(field(container_fields(&wanted, &seen), "MemorySwap") == FieldPair{"MemorySwap", "1024", "1024"});
}
