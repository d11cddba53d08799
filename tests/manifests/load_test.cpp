#include "tests/manifests/folder_of_files.h"
#include "tests/manifests/manifest_file.h"

#include "manifests/config.h"
#include "manifests/quantity.h"
#include "manifests/stored_manifest.h"
#include "schema/suggest.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace bottle;

TEST_CASE("a manifest with every key of this version") {
    const ManifestFile file(R"(apiVersion: bottle/v1
kind: Bottle
metadata:
  name: docs-writer
  labels: {team: docs}
spec:
  machine:
    backend: smolvm
    image: {rootfs: ./rootfs}
    cpus: 4
    memory: 2Gi
    disk: {storage: 5Gi, overlay: 3Gi}
    user: node
  agent:
    provider: none
    command: [claude, "--verbose"]
    env: {EDITOR: vi}
  network: {mode: bridge, firewall: "off"}
  bundle:
    externalNetwork: false
    containers:
      - name: egress
        image: bottle-egress:1
        entrypoint: [/bin/proxy]
        command: []
        ports: [{name: proxy, port: 9099}]
        env: {LOG: debug}
        user: "1000:1000"
        tmpfs: [/var/spool]
        volumes: [{name: cache, path: /var/cache}]
        capabilities: [NET_BIND_SERVICE]
        limits: {memory: 128Mi, cpus: 0.5, pids: 64}
)");
    const auto manifests = file.load();
    REQUIRE(manifests.size() == 1);
    const auto& m = manifests.front();
    CHECK(m.name == "docs-writer");
    CHECK(m.place.line == 1);
    CHECK(m.labels.at("team") == "docs");
    CHECK(m.machine.rootfs == std::filesystem::canonical(file.folder()).string() + "/rootfs");
    CHECK(m.machine.cpus == 4);
    CHECK(m.machine.memory_mib == 2048);
    CHECK(m.machine.storage_gib == 5);
    CHECK(m.machine.overlay_gib == 3);
    CHECK(m.machine.user == "node");
    CHECK(m.agent.command == std::vector<std::string>{"claude", "--verbose"});
    CHECK(m.agent.env.at("EDITOR") == "vi");
    CHECK(m.network.mode == NetworkMode::Bridge);
    CHECK(m.network.mode_place.line == 18);
    CHECK_FALSE(m.bundle.external_network);
    REQUIRE(m.bundle.containers.size() == 1);
    const auto& c = m.bundle.containers.front();
    CHECK(c.entrypoint == std::vector<std::string>{"/bin/proxy"});
    CHECK(c.command == std::vector<std::string>{});
    CHECK(c.ports.front().port == 9099);
    CHECK(c.limits.memory_bytes == 128LL * 1024 * 1024);
    CHECK(c.limits.nano_cpus == 500'000'000);
    CHECK(c.limits.pids == 64);
    CHECK(c.volumes.front().path == "/var/cache");
    CHECK(c.image_place.line == 23);

    SECTION("and stored and read again it is the same") {
        CHECK(to_stored_text(from_stored_text(to_stored_text(m))) == to_stored_text(m));
        CHECK_THROWS_AS(from_stored_text("{}"), Error);
        CHECK_THROWS_AS(from_stored_text("no json"), Error);
        auto stored = to_stored_text(m);
        for (const auto& mode : {std::optional<NetworkMode>{}, std::optional(NetworkMode::Socket), std::optional(NetworkMode::TsiLoopback)}) {
            auto other = m;
            other.network.mode = mode;
            CHECK(from_stored_text(to_stored_text(other)).network.mode == mode);
            CHECK(from_stored_text(to_stored_text(other)).network.mode_place == m.network.mode_place);
        }
        CHECK_THROWS_AS(from_stored_text(stored.replace(stored.find("bridge"), 6, "sluice")), Error);
    }
}

TEST_CASE("what is left out has its default, and the rest of an image's choice stays the image's") {
    const auto m = ManifestFile(manifest_text()).load().front();
    CHECK(m.machine.cpus == 2);
    CHECK(m.machine.memory_mib == 4096);
    CHECK(m.machine.user == "root");
    CHECK(m.bundle.external_network);
    CHECK_FALSE(m.bundle.containers.front().entrypoint.has_value());
    CHECK_FALSE(m.bundle.containers.front().command.has_value());
}

TEST_CASE("several documents, a byte order mark and CRLF are fine") {
    const auto two = ManifestFile("\xEF\xBB\xBF" + manifest_text() + "---\r\n" + manifest_text({.name = "other"})).load();
    REQUIRE(two.size() == 2);
    CHECK(two[1].name == "other");
}

TEST_CASE("all problems are told at once, each with its line and a caret") {
    const auto error = ManifestFile(R"(apiVersion: bottle/v1
kind: Botle
metadata: {name: Docs}
spec:
  machine: {image: {rootfs: rootfs}, memoy: 4Gi}
  bundle:
    containers:
      - {name: egress, image: a, ports: [{name: proxy, port: 99999}]}
)").error();
    CHECK(error == R"(bottle.yaml:2:7: error: "Botle" is not allowed here
    kind: Botle
          ^
  hint: did you mean Bottle? allowed: Bottle, BottleTemplate
bottle.yaml:3:18: error: "Docs" is not allowed here
    metadata: {name: Docs}
                     ^
  hint: write docs: small letters, digits and -
bottle.yaml:5:38: error: unknown key "memoy"
      machine: {image: {rootfs: rootfs}, memoy: 4Gi}
                                         ^
  hint: did you mean memory? keys here: backend, cpus, disk, image, memory, user
bottle.yaml:8:62: error: 99999 is out of range
          - {name: egress, image: a, ports: [{name: proxy, port: 99999}]}
                                                                 ^
  hint: allowed: 1 to 65535
)");
}

TEST_CASE("what a later version will do is refused at its line") {
    const auto first_line = [](const std::string& text) {
        const auto error = ManifestFile(text).error();
        return error.substr(0, error.find('\n'));
    };
    const auto with_ports = [](const std::string& ports) { return manifest_text({.container = "image: a:1\n        ports: " + ports, .more = "  network: {mode: socket}\n"}); };
    CHECK(first_line(with_ports("[{name: proxy, port: 9099}]")).empty());
    CHECK(first_line(with_ports("[{name: proxy, port: 9099}, {name: git, port: 9418}]")) == "bottle.yaml:14:51: error: in mode socket the guest has the port proxy and no other, so not git");
    CHECK(first_line(manifest_text({.more = "  network: {mode: socket}\n"})) == "bottle.yaml:14:19: error: mode socket needs a port named proxy, and no container has one");
    CHECK(first_line(manifest_text({.more = "  network: {mode: tsi-loopback}\n"})).empty());
    CHECK(first_line(manifest_text({.more = "    externalNetwork: false\n  network: {mode: tsi-loopback}\n"})) ==
          "bottle.yaml:14:22: error: mode tsi-loopback needs the external network: Docker publishes no port from an internal one alone");
    CHECK(first_line(manifest_text({.machine = "backend: docker\n    image: {rootfs: rootfs}"})) == "bottle.yaml:7:14: error: docker is not in this version");
    CHECK(first_line(manifest_text({.agent = "env: {TOKEN: {secret: api}}"})).empty());
    CHECK(first_line(manifest_text({.container = "image: bottle-egress:1\n        env: {TOKEN: {secret: api}}"})).find("error: a secret for a container is not in this version: Docker keeps a container's variables in plain text") != std::string::npos);
    CHECK(first_line(manifest_text({.more = "    supervise: true\n"})) == "bottle.yaml:14:5: error: supervise is not in this version");
    CHECK(first_line(manifest_text({.more = "    egress: {routes: [{host: a}]}\n"})) == "bottle.yaml:14:5: error: egress is not in this version");
}

TEST_CASE("an image is a folder, a file beneath the manifest's folder, or Docker's own name") {
    const FolderOfFiles files{{"images/agent.tar", "x"}, {"agent.smolmachine", "x"}, {"bottle.yaml", ""}};
    const auto machine = [&](const std::string& image) {
        files.write("bottle.yaml", manifest_text({.machine = "image: {" + image + "}"}));
        return files.load_bottles({"bottle.yaml"}).bottles.at(0).machine;
    };
    CHECK(machine("docker: \"registry.example.com:5000/agent:1\"").docker == "registry.example.com:5000/agent:1");
    CHECK(machine("archive: ./images/agent.tar").archive == std::filesystem::canonical(files.path() + "/images/agent.tar"));
    CHECK(machine("pack: agent.smolmachine").pack == std::filesystem::canonical(files.path() + "/agent.smolmachine"));
    CHECK(machine("pack: agent.smolmachine").image_place.line == 7);
    for (const auto* image : {"docker: a", "archive: images/agent.tar", "pack: agent.smolmachine"}) {
        auto manifest = from_stored_text(to_stored_text(ManifestFile(manifest_text({})).load().at(0)));
        manifest.machine = machine(image);
        const auto again = from_stored_text(to_stored_text(manifest)).machine;
        CHECK(again.docker + again.archive + again.pack == manifest.machine.docker + manifest.machine.archive + manifest.machine.pack);
        CHECK(again.rootfs.empty());
        CHECK(again.image_place.line == 7);
    }
    std::filesystem::create_symlink("agent.tar", files.path() + "/images/link.tar");
    CHECK(files.error({"bottle.yaml"}).empty());
    files.write("bottle.yaml", manifest_text({.machine = "image: {archive: images/link.tar}"}));
    CHECK(files.error({"bottle.yaml"}).find("images/link.tar leads over a symlink") != std::string::npos);
}

TEST_CASE("one name, one port and one bottle each") {
    const auto error = [](const std::string& text) { return ManifestFile(text).error(); };
    CHECK(error(manifest_text() + "---\n" + manifest_text()).find("bottle docs is also at bottle.yaml:4:9") != std::string::npos);
    const auto ports = error(manifest_text({.container = "image: a:1\n        ports: [{name: a, port: 80}, {name: b, port: 80}]"}));
    CHECK(ports.find("bottle.yaml:14:54: error: port 80 is taken at bottle.yaml:14:33") == 0);
    CHECK(error(manifest_text({.more = "      - {name: egress, image: b}\n"})).find("there are two containers egress") != std::string::npos);
    CHECK(error(manifest_text({.more = "      - {name: infra, image: b}\n"})).find("infra is bottle's own container") != std::string::npos);
}

TEST_CASE("a symlink on the way to the root file system is not followed") {
    const ManifestFile file(manifest_text({.machine = "image: {rootfs: link/etc}"}));
    std::filesystem::create_directory_symlink("/", file.folder() + "/link");
    CHECK(file.error().find("symlink") != std::string::npos);
}

TEST_CASE("a quantity is Kubernetes', and another spelling is answered with the right one") {
    CHECK(read_quantity("4Gi").bytes == std::int64_t{4} << 30);
    CHECK(read_quantity("512Mi").bytes == std::int64_t{512} << 20);
    CHECK(read_quantity("5G").bytes == 5'000'000'000);
    for (const auto* text : {"4GiB", "4g", "4gb", "4GB", "4 Gi"}) {
        INFO(text);
        CHECK(read_quantity(text).hint == "write 4Gi");
    }
    CHECK(read_quantity("2m").hint == "write 2Mi");
    CHECK(read_quantity("1.5Gi").hint == "write 1536Mi");
    CHECK(read_quantity("0.5g").hint == "write 512Mi");
    CHECK(read_quantity("1.2345Gi").hint == "for example 512Mi or 4Gi");
    const auto number = [](const char* digits) { return quantity_of_number(digits).hint; };
    CHECK(number("4") == "write 4Gi or 4Mi");
    CHECK(number("4096") == "write 4096Mi");
    CHECK(number("4294967296") == "write 4Gi");
    CHECK(number("536870912") == "write 512Mi");
    CHECK(number("1.5") == "write 1.5Gi as 1536Mi");
    for (const auto* digits : {"0", "-4", "1073741825", "99999999999999999999", "1.2345"}) CHECK(number(digits) == "for example 512Mi or 4Gi");
    for (const auto* text : {"", "Gi", "-4Gi", "4.5Gi", "4.", ".5Gi", "1.2.3Gi", ".", "4Xi", "99999999999999999999Gi", "9999999999Ti", "0x4Gi"}) {
        INFO(text);
        CHECK_FALSE(read_quantity(text).problem.empty());
    }
    CHECK(ManifestFile(manifest_text({.machine = "memory: 4g\n    image: {rootfs: rootfs}"})).error().find("hint: write 4Gi") != std::string::npos);
    CHECK(ManifestFile(manifest_text({.machine = "memory: 32Mi\n    image: {rootfs: rootfs}"})).error().find("at least 64Mi") != std::string::npos);
}

TEST_CASE("the nearest word is near, or there is none") {
    CHECK(nearest_word("memoy", {"memory", "cpus"}) == "memory");
    CHECK(nearest_word("MEMORY", {"memory", "cpus"}) == "memory");
    CHECK(nearest_word("cpsu", {"memory", "cpus"}) == "cpus");
    CHECK(nearest_word("zzz", {"memory", "cpus"}).empty());
    CHECK(nearest_word("xy", {"ab"}).empty());
}

TEST_CASE("outside text is made safe to print") {
    CHECK(printable("plain \xC3\xA4 \xE2\x86\x92") == "plain \xC3\xA4 \xE2\x86\x92");
    CHECK(printable("\x1B[31m\n") == "\\x1B[31m\\x0A");
    CHECK(printable("\xFF\xC3") == "\\xFF\\xC3");
    CHECK(printable("\xE2\x80\xAE") == "\\xE2\\x80\\xAE");
}

TEST_CASE("a secret is kept as its name and its variable, beside the literal values, and comes back from our records so") {
    const ManifestFile file(manifest_text({.agent = "command: [claude]\n    env: {TOKEN: {secret: api-token}, EDITOR: vi}"}));
    const auto check = [&](const Manifest& manifest) {
        CHECK(manifest.agent.env == std::map<std::string, std::string>{{"EDITOR", "vi"}});
        CHECK(manifest.agent.secrets == std::map<std::string, std::string>{{"TOKEN", "api-token"}});
        CHECK(place_in(manifest, "/spec/agent/env/TOKEN/secret").line == 10);
        CHECK(place_in(manifest, "/spec/agent/env/TOKEN/secret").column == 27);
        // Around what is not written.
        CHECK(place_in(manifest, "/spec/machine/disk/overlay").line == 7);
        CHECK(place_in(manifest, "/metadata/labels").line == manifest.place.line);
    };
    check(file.load().front());
    check(from_stored_text(to_stored_text(file.load().front())));
    CHECK(config_yaml(load_bottles({file.path()}, false, std::cin).documents.front()).find("TOKEN:\n        secret: api-token\n") != std::string::npos);
}
