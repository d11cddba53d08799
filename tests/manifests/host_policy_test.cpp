#include "manifests/host_policy.h"
#include "manifests/pattern.h"
#include "manifests/yaml_document.h"

#include <catch2/catch.hpp>

using namespace bottle;

namespace {

const std::string kHead = "apiVersion: bottle/v1\nkind: HostPolicy\n";
const std::string kOnes(64, '1');
const std::string kTwos(64, 'a');
const std::string kBuild = "{version: 1.1.2, digests: {smolvm: \"" + kOnes + "\", libkrun.so: " + kTwos + ", libkrunfw.so.5: " + kTwos + "}}";

HostPolicy parsed(const std::string& text) {
    return parse_host_policy(SourceText("config.yaml", text));
}

std::string refusal(const std::string& text) {
    try {
        parsed(text);
        return "";
    } catch (const Error& error) {
        CHECK(error.exit() == Exit::Usage);
        return render(error);
    }
}

}  // namespace

TEST_CASE("a host policy with every key of this version") {
    const auto policy = parsed("\xEF\xBB\xBF" + kHead + "network: {tsiLoopback: true}\nsmolvm:\n  accept:\n    - " + kBuild + "\n");
    CHECK(policy.file == "config.yaml");
    CHECK(policy.network.tsi_loopback);
    REQUIRE(policy.smolvm.accept.size() == 1);
    CHECK(policy.smolvm.accept.front() == AcceptedSmolvm{{"config.yaml", 6, 17}, "1.1.2", {{"smolvm", kOnes}, {"libkrun.so", kTwos}, {"libkrunfw.so.5", kTwos}}});
}

TEST_CASE("what a host policy says is kept with its place") {
    const auto policy = parsed(kHead + "docker: {host: \"unix:///run/docker.sock\"}\nsmolvm: {path: /opt/smolvm/smolvm}\npools: {internal: 10.9.0.0/16}\n"
                                       "allow:\n  images: [web]\n  digestsOnly: true\n  rootfs: [/srv]\n  volumes: []\n  capabilities: [CHOWN]\n"
                                       "  machine: {cpus: 3, memory: 1Gi, disk: {storage: 2Gi, overlay: 1Gi}}\n  containers: {cpus: 0.25, memory: 6Mi, pids: 9}\n");
    CHECK(policy.docker.host == "unix:///run/docker.sock");
    CHECK(policy.docker.place == Place{"config.yaml", 3, 16});
    CHECK(policy.smolvm.path == "/opt/smolvm/smolvm");
    CHECK(policy.smolvm.path_place == Place{"config.yaml", 4, 16});
    CHECK(policy.pools.internal == "10.9.0.0/16");
    CHECK(policy.pools.external == "10.232.0.0/16");
    CHECK(policy.pools.internal_place == Place{"config.yaml", 5, 19});
    const auto& allow = policy.allow;
    CHECK(allow.images == Stated<std::vector<std::string>>{{"web"}, {"config.yaml", 7, 11}});
    CHECK(allow.digests_only == Place{"config.yaml", 8, 16});
    CHECK(allow.rootfs->value == std::vector<std::string>{"/srv"});
    CHECK(allow.volumes->value.empty());
    CHECK(allow.capabilities->value == std::vector<std::string>{"CHOWN"});
    CHECK(allow.machine.cpus == Stated<std::int64_t>{3, {"config.yaml", 12, 19}});
    CHECK(allow.machine.memory->value == 1LL << 30);
    CHECK(allow.machine.storage->value == 2LL << 30);
    CHECK(allow.machine.overlay->value == 1LL << 30);
    CHECK(allow.containers.nano_cpus->value == 250'000'000);
    CHECK(allow.containers.memory->value == 6LL << 20);
    CHECK(allow.containers.pids->value == 9);
}

TEST_CASE("a pattern stands for what it says, and takes no long time") {
    for (const auto& [pattern, text] : {std::pair{"", ""}, {"a", "a"}, {"*", ""}, {"*", "abc"}, {"a*c", "ac"}, {"a*c", "abbc"}, {"**", "a/b"}, {"a/*/c", "a/b/c"}, {"a/**", "a/b/c"}, {"***", "a/b"}}) {
        INFO(pattern << " " << text);
        CHECK(matches(pattern, text));
    }
    for (const auto& [pattern, text] : {std::pair{"", "a"}, {"a", ""}, {"a", "aa"}, {"*", "a/b"}, {"a*c", "abcd"}, {"a/*", "a/b/c"}, {"A", "a"}, {"?", "a"}, {"[a]", "a"}}) {
        INFO(pattern << " " << text);
        CHECK_FALSE(matches(pattern, text));
    }
    std::string stars;
    for (int i = 0; i < 100; ++i) stars += "a*";
    CHECK_FALSE(matches(stars + "b", std::string(256, 'a')));
}

TEST_CASE("a host policy that says nothing allows nothing") {
    for (const std::string rest : {"", "network: {}\nsmolvm: {}\n", "network: {tsiLoopback: false}\nsmolvm: {accept: []}\n"}) {
        const auto policy = parsed(kHead + rest);
        CHECK_FALSE(policy.network.tsi_loopback);
        CHECK(policy.smolvm.accept.empty());
    }
}

TEST_CASE("all problems of a host policy are told at once, each with its place and the nearest word") {
    CHECK(refusal(kHead + "network: {tsiLoopbak: true}\nsmolvm:\n  accept:\n    - {version: 1.2.0, digests: {smolvm: x}}\n") ==
          "config.yaml:3:11: error: unknown key \"tsiLoopbak\"\n    network: {tsiLoopbak: true}\n              ^\n  hint: did you mean tsiLoopback? keys here: tsiLoopback\n"
          "config.yaml:6:33: error: the key libkrun.so is missing\n        - {version: 1.2.0, digests: {smolvm: x}}\n                                    ^\n  hint: keys here: libkrun.so, libkrunfw.so.5, smolvm\n"
          "config.yaml:6:33: error: the key libkrunfw.so.5 is missing\n        - {version: 1.2.0, digests: {smolvm: x}}\n                                    ^\n  hint: keys here: libkrun.so, libkrunfw.so.5, smolvm\n"
          "config.yaml:6:42: error: \"x\" is not allowed here\n        - {version: 1.2.0, digests: {smolvm: x}}\n                                             ^\n  hint: allowed: ^[0-9a-f]{64}$ (64 hexadecimal digits, of the program.)\n"
          "config.yaml:6:17: error: \"1.2.0\" is not allowed here\n        - {version: 1.2.0, digests: {smolvm: x}}\n                    ^\n"
          "  hint: allowed: ^(0\\.[89]\\.[0-9]{1,2}|1\\.0\\.[0-9]{1,2}|1\\.1\\.[0-2])$ (As `smolvm --version` says it, from 0.8.0 to 1.1.2.)\n");
}

TEST_CASE("a host policy is read as strictly as a manifest") {
    const auto first_line = [](const std::string& text) {
        const auto told = refusal(text);
        return told.substr(0, told.find('\n'));
    };
    CHECK(first_line("") == "config.yaml:1:1: error: there is no document in it");
    CHECK(first_line("- a\n") == "config.yaml:1:1: error: [\"a\"] is not a mapping (key: value)");
    CHECK(first_line("apiVersion: bottle/v1\nkind: Bottle\n") == "config.yaml:2:7: error: \"Bottle\" is not allowed here");
    CHECK(first_line(kHead + "network: {tsiLoopback: yes}\n").find("config.yaml:3:24: error: ") == 0);
    CHECK(first_line(kHead + "network: {tsiLoopback: \"true\"}\n") == "config.yaml:3:24: error: \"true\" is not true or false");
    CHECK(first_line(kHead + "network: {tsiLoopback: true}\nnetwork: {}\n") == "config.yaml:4:1: error: the key network stands here twice");
    CHECK(first_line(kHead + "network: &a {tsiLoopback: true}\n").find("anchors") != std::string::npos);
    CHECK(first_line(kHead + "---\n" + kHead) == "config.yaml:4:1: error: there is a second document in it");
    CHECK(first_line(kHead + "smolvm: {accept: [" + kBuild + ", " + kBuild + "]}\n").find("error: smolvm 1.1.2 is also at config.yaml:3:29") != std::string::npos);
    CHECK(first_line("apiVersion: \x1B[31m\n").find("is not allowed here") != std::string::npos);
    for (const auto* version : {"0.7.9", "1.1.3", "1.2.0", "1.8.3", "1.32.2", "01.1.2", "1.1.2-rc1", "1.1.20"}) {
        INFO(version);
        CHECK(first_line(kHead + "smolvm: {accept: [{version: \"" + version + "\", digests: {}}]}\n").find("config.yaml:3:") == 0);
        CHECK(refusal(kHead + "smolvm: {accept: [{version: \"" + version + "\", digests: {}}]}\n").find(std::string("\"") + version + "\" is not allowed here") != std::string::npos);
    }
}
