#include "controllers/host/policy_file.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace bottle;

namespace {

constexpr uid_t kStranger = 65534;
constexpr const char* kOptIn = "apiVersion: bottle/v1\nkind: HostPolicy\nnetwork: {tsiLoopback: true}\n";

std::string refusal(const std::string& path) {
    return raised([&] { read_host_policy(path); });
}

}  // namespace

TEST_CASE("a host without a policy has the defaults, and knows where one would be") {
    const TempFolder top;
    for (const auto& path : {top.file("config.yaml"), top.file("none/bottle/config.yaml"), top.file("file/config.yaml")}) {
        write_file(top.file("file"), "x");
        const auto policy = read_host_policy(path);
        CHECK(policy.file == path);
        CHECK_FALSE(policy.network.tsi_loopback);
    }
}

TEST_CASE("pools that cannot be are a mistake of the policy, at their place") {
    const TempFolder top;
    const auto path = top.file("config.yaml");
    write_file(path, "apiVersion: bottle/v1\nkind: HostPolicy\npools: {internal: 10.0.0.0/8, external: 10.1.0.0/16}\n");
    REQUIRE(chmod(path.c_str(), 0644) == 0);
    try {
        read_host_policy(path);
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.exit() == Exit::Usage);
        CHECK(error.problems().front().place == Place{path, 3, 41});
        CHECK(error.problems().front().source_line == "pools: {internal: 10.0.0.0/8, external: 10.1.0.0/16}");
    }
}

TEST_CASE("a host policy counts only where nobody but root and us could have written it") {
    const TempFolder top;
    const auto folder = top.file("bottle");
    const auto path = folder + "/config.yaml";
    std::filesystem::create_directory(folder);
    write_file(path, kOptIn);
    REQUIRE(chmod(folder.c_str(), 0755) == 0);
    REQUIRE(chmod(path.c_str(), 0644) == 0);
    CHECK(read_host_policy(path).network.tsi_loopback);

    SECTION("the group writes") {
        REQUIRE(chmod(path.c_str(), 0664) == 0);
        CHECK(refusal(path) == "3: " + path + " can be written by others: what it says cannot be trusted");
    }
    SECTION("all write") {
        REQUIRE(chmod(path.c_str(), 0646) == 0);
        CHECK(refusal(path) == "3: " + path + " can be written by others: what it says cannot be trusted");
    }
    SECTION("it is another's") {
        REQUIRE(chown(path.c_str(), kStranger, 0) == 0);
        CHECK(refusal(path) == "3: " + path + " belongs to uid 65534, not to us");
    }
    SECTION("others write in its folder") {
        REQUIRE(chmod(folder.c_str(), 0775) == 0);
        CHECK(refusal(path) == "3: " + path + " stands in " + folder + ", where uid 0 and others could exchange it");
    }
    SECTION("its folder is another's") {
        REQUIRE(chown(folder.c_str(), kStranger, 0) == 0);
        CHECK(refusal(path) == "3: " + path + " stands in " + folder + ", where uid 65534 could exchange it");
    }
    SECTION("it is a link") {
        std::filesystem::rename(path, folder + "/other.yaml");
        std::filesystem::create_symlink(folder + "/other.yaml", path);
        CHECK(refusal(path) == "3: " + path + " is a link");
    }
    SECTION("it is a folder, or a pipe, which nobody waits for") {
        std::filesystem::remove(path);
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        CHECK(refusal(path) == "3: " + path + " is no regular file");
    }
    SECTION("it is larger than any policy") {
        write_file(path, std::string((1 << 20) + 1, '#'));
        CHECK(refusal(path) == "3: " + path + " has more than 1048576 bytes");
    }
    SECTION("what it says is wrong") {
        write_file(path, "apiVersion: bottle/v1\nkind: HostPolicy\nnetwork: {tsi: true}\n");
        CHECK(refusal(path) == "2: unknown key \"tsi\"");
    }
}
