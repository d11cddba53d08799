#include "reconciler/address.h"
#include "reconciler/allocate.h"
#include "tests/support/sample_bottle.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

Snapshot snapshot_of(ModelWorld& world) {
    return world.observe(scope_of(world, sample_manifest()));
}

Allocation chosen(const Snapshot& snapshot, const Pools& pools = {}) {
    const auto answer = allocate(sample_manifest(), pools, snapshot);
    if (const auto* why = std::get_if<std::string>(&answer)) FAIL(*why);
    return std::get<Allocation>(answer);
}

}  // namespace

TEST_CASE("an address has one text") {
    CHECK(parse_address("10.231.0.2") == 0x0AE70002u);
    CHECK(parse_address("0.0.0.0") == 0u);
    CHECK(parse_address("255.255.255.255") == 0xFFFFFFFFu);
    CHECK(format_address(0x0AE70002u) == "10.231.0.2");
    // Each of these is an address to some reader.
    for (const auto* text : {"", "10.231.0", "10.231.0.2.", ".10.231.0.2", "10.231.0.02", "10.231.0.256", "10.231.2", "0x0a.231.0.2", "10.231.0.2 ", " 10.231.0.2",
                             "+10.231.0.2", "10.231.0.-2", "10.231..2", "167772162", "10.231.0.2\n", "::ffff:10.231.0.2", "10.231.0.1000000000000"}) {
        INFO(text);
        CHECK_FALSE(parse_address(text));
    }
}

TEST_CASE("a subnet has one text") {
    CHECK(parse_subnet("10.231.0.0/29") == Subnet{0x0AE70000u, 29});
    CHECK(parse_subnet("0.0.0.0/0") == Subnet{0, 0});
    CHECK(parse_subnet("10.231.0.2/32")->size() == 1);
    CHECK(parse_subnet("0.0.0.0/0")->size() == std::uint64_t{1} << 32);
    for (const auto* text : {"10.231.0.0", "10.231.0.1/29", "10.231.0.0/33", "10.231.0.0/+29", "10.231.0.0/029", "10.231.0.0/", "10.231.0.0/ 29", "/29", "10.231.0.0/29/29"}) {
        INFO(text);
        CHECK_FALSE(parse_subnet(text));
    }
    CHECK(overlap(*parse_subnet("10.0.0.0/8"), *parse_subnet("10.231.0.0/29")));
    CHECK(overlap(*parse_subnet("0.0.0.0/0"), *parse_subnet("10.231.0.0/29")));
    CHECK_FALSE(overlap(*parse_subnet("10.231.0.8/29"), *parse_subnet("10.231.0.0/29")));
}

TEST_CASE("the bundle has the second address, and Docker chooses from the upper half only") {
    CHECK(gateway_of("10.231.0.8/29") == "10.231.0.9");
    CHECK(bundle_address_of("10.231.0.8/29") == "10.231.0.10");
    const auto range = parse_subnet(ip_range_of("10.231.0.8/29"));
    REQUIRE(range);
    CHECK_FALSE(range->contains(*parse_address(bundle_address_of("10.231.0.8/29"))));
    CHECK_FALSE(range->contains(*parse_address(gateway_of("10.231.0.8/29"))));
}

TEST_CASE("the lowest free subnets and uid are allocated, and kept") {
    auto world = empty_world();
    CHECK(chosen(snapshot_of(world)) == Allocation{"10.231.0.0/29", "10.232.0.0/29", 2'900'000});

    SECTION("another bottle's are not free") {
        world.stored.other_allocations["other"] = {"10.231.0.0/29", "10.232.0.0/29", 2'900'000};
        CHECK(chosen(snapshot_of(world)) == Allocation{"10.231.0.8/29", "10.232.0.8/29", 2'900'001});
    }
    SECTION("a host route takes its part") {
        world.host.routes = {"10.231.0.0/24", "10.232.0.4/32"};
        CHECK(chosen(snapshot_of(world)) == Allocation{"10.231.1.0/29", "10.232.0.8/29", 2'900'000});
    }
    SECTION("a Docker network of somebody else takes its part") {
        world.add_foreign_network("theirs", "10.231.0.0/28");
        CHECK(chosen(snapshot_of(world)).internal_subnet == "10.231.0.16/29");
    }
    SECTION("what is held stays") {
        world.stored.allocation = Allocation{"10.231.3.0/29", "10.232.3.0/29", 2'900'007};
        CHECK(chosen(snapshot_of(world)) == *world.stored.allocation);
    }
    SECTION("what is held, overlaps, and carries nothing is exchanged") {
        world.stored.allocation = Allocation{"10.231.3.0/29", "10.232.3.0/29", 2'900'007};
        world.host.routes = {"10.231.3.0/24"};
        CHECK(chosen(snapshot_of(world)).internal_subnet == "10.231.0.0/29");
        CHECK(chosen(snapshot_of(world)).vmm_uid == 2'900'007);
    }
    SECTION("a pool that is used up says so") {
        Pools pools;
        pools.internal = "10.231.0.0/28";
        world.host.routes = {"10.231.0.0/28"};
        const auto answer = allocate(sample_manifest(), pools, snapshot_of(world));
        REQUIRE(std::holds_alternative<std::string>(answer));
        CHECK(std::get<std::string>(answer).find("10.231.0.0/28") != std::string::npos);
    }
    SECTION("without a look at Docker nothing is chosen") {
        world.docker_down = "connection refused";
        CHECK(std::holds_alternative<std::string>(allocate(sample_manifest(), {}, snapshot_of(world))));
    }
}

TEST_CASE("an allocation on which a bottle is built is kept, whatever came to overlap it") {
    auto world = ready_world();
    world.host.routes = {"10.231.0.0/16"};
    CHECK(chosen(snapshot_of(world)) == *world.stored.allocation);
}
