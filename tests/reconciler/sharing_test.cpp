#include "reconciler/sharing.h"
#include "tests/support/golden.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

#include <functional>

using namespace bottle;
using namespace bottle::model;

namespace {

const Allocation kOurs{"10.231.0.0/29", "10.232.0.0/29", 2'900'000};
const Allocation kTheirs{"10.231.0.8/29", "10.232.0.8/29", 2'900'001};

Manifest named(const std::string& name) {
    auto manifest = sample_with_volume();
    manifest.name = name;
    return manifest;
}

Holdings holdings(const std::string& name, const Allocation& allocation) {
    return holdings_of(named(name), allocation, {"/state/bottles/" + name + "/smolvm", "/state/vm/" + name});
}

std::vector<std::string> shared(const Holdings& one, const Holdings& other) {
    const auto there = shared_by(one, other);
    CHECK(shared_by(other, one) == there);
    return there;
}

/// A second bottle beside the sample, and what it holds of the sample's.
struct Pair {
    const char* file;
    std::function<void(ModelWorld&, Holdings&)> change;
};

const Pair kPairs[] = {
    {"bottles-share-subnet.plan", [](ModelWorld&, Holdings& h) { h.subnets.front() = "10.231.0.0/28"; }},
    {"bottles-share-uid.plan", [](ModelWorld& w, Holdings& h) { h.vmm_uid = w.stored.allocation->vmm_uid; }},
    {"bottles-share-container-name.plan", [](ModelWorld&, Holdings& h) { h.names.insert("container bottle-docs-writer-egress"); }},
    {"bottles-share-network-name.plan", [](ModelWorld&, Holdings& h) { h.names.insert("network bottle-docs-writer-external"); }},
    {"bottles-share-volume.plan", [](ModelWorld&, Holdings& h) { h.names.insert("volume bottle-docs-writer-cache"); }},
    {"bottles-share-folder.plan", [](ModelWorld& w, Holdings& h) { h.folders.insert(*w.machine_folders.begin()); }},
    {"bottles-share-image-in-folder.plan", [](ModelWorld&, Holdings& h) { h.folders.insert("/srv"); }},
    {"bottles-share-writable-image.plan", [](ModelWorld& w, Holdings&) { w.host.image_writers = {"other"}; }},
};

}  // namespace

TEST_CASE("two bottles of one manifest, on one image, share nothing") {
    CHECK(shared(holdings("docs", kOurs), holdings("other", kTheirs)).empty());
}

TEST_CASE("names that two bottles come to share are found") {
    CHECK(shared(holdings("docs", kOurs), holdings("docs-external", kTheirs)) == std::vector<std::string>{"the name of a network bottle-docs-external"});
    auto docs = named("docs");
    docs.bundle.containers.front().name = "writer-infra";
    docs.bundle.containers.front().volumes = {{"writer-cache", "/x"}};
    CHECK(shared(holdings_of(docs, kOurs, {}), holdings("docs-writer", kTheirs)) ==
          std::vector<std::string>{"the name of a container bottle-docs-writer-infra", "the name of a volume bottle-docs-writer-cache"});
}

TEST_CASE("addresses, uids, folders and images that two bottles hold are found, whichever is asked") {
    const auto one = holdings("docs", kOurs);
    auto other = holdings("other", kTheirs);
    SECTION("a subnet within another") {
        other.subnets = {"10.231.0.0/24"};
        CHECK(shared(one, other) == std::vector<std::string>{"addresses: 10.231.0.0/24 and 10.231.0.0/29 overlap"});
    }
    SECTION("the internal subnet of the one is the external of the other") {
        other.subnets = {"10.231.0.8/29", "10.231.0.0/29"};
        CHECK(shared(one, other) == std::vector<std::string>{"the subnet 10.231.0.0/29"});
    }
    SECTION("a subnet that nobody can read") {
        other.subnets = {"10.231.0.8/029"};
        CHECK(shared(one, other).size() == 2);
    }
    SECTION("the uid") {
        other.vmm_uid = kOurs.vmm_uid;
        CHECK(shared(one, other) == std::vector<std::string>{"the VMM uid 2900000: each may write the other's files"});
    }
    SECTION("no uid yet is none") {
        auto none = one;
        none.vmm_uid = other.vmm_uid = 0;
        CHECK(shared(none, other).empty());
    }
    SECTION("a folder, or one within it") {
        other.folders = {"/state/vm/docs"};
        CHECK(shared(one, other) == std::vector<std::string>{"the folder /state/vm/docs"});
        other.folders = {"/state/vm/docs/smolvm/vms/0123"};
        CHECK(shared(one, other) == std::vector<std::string>{"the folder /state/vm/docs/smolvm/vms/0123"});
        other.folders = {"/state/vm/docs2"};
        CHECK(shared(one, other).empty());
    }
    SECTION("an image in a folder that the other machine writes") {
        auto reader = one;
        reader.image = "/state/vm/other/smolvm/rootfs";
        CHECK(shared(reader, other) ==
              std::vector<std::string>{"files: the image /state/vm/other/smolvm/rootfs of docs and the machine's folder /state/vm/other of other"});
    }
}

TEST_CASE("what desired state holds is what its manifest holds") {
    auto world = ready_world(sample_with_volume());
    const auto snapshot = world.observe(scope_of(world, sample_with_volume()));
    const auto desired = desire(sample_with_volume(), {}, *world.stored.allocation, snapshot, test_digest());
    CHECK(holdings_of(desired, snapshot.machine) == holdings_of(sample_with_volume(), *world.stored.allocation, snapshot.machine.folders));
}

TEST_CASE("golden: two bottles that share something, each as a pair") {
    for (const auto& pair : kPairs) DYNAMIC_SECTION(pair.file) {
        const auto manifest = sample_with_volume();
        auto world = ready_world(manifest);
        auto other = holdings("other", kTheirs);
        world.stored.other_allocations["other"] = kTheirs;
        world.stored.others = {other};
        REQUIRE(look_and_plan(world, manifest).plan.empty());
        pair.change(world, other);
        world.stored.others = {other};
        const auto plan = look_and_plan(world, manifest).plan;
        check_golden(std::string("plans/") + pair.file, to_text(plan));
        // A machine that runs is stopped, one that does not is not started, and a bottle that was never made is not begun.
        REQUIRE(plan.steps.size() == 1);
        CHECK(std::holds_alternative<StopMachine>(plan.steps.front().action));
        CHECK(plan.refusals.size() == 1);
        CHECK(plan.refusals.front().text.rfind("bottle docs-writer and bottle other share ", 0) == 0);
        CHECK(apply(world, manifest).exit != Exit::Ok);
        CHECK_FALSE(world.live);
        auto fresh = empty_world();
        fresh.stored.others = {other};
        fresh.host.image_writers = world.host.image_writers;
        fresh.stored.allocation = world.stored.allocation;
        CHECK(apply(fresh, manifest).exit != Exit::Ok);
        CHECK(fresh.mutations == 0);
    }
}
