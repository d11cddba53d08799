#include "tests/manifests/folder_of_files.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

#include <sys/stat.h>

using namespace bottle;

namespace {

const std::string kTemplate = "apiVersion: bottle/v1\nkind: BottleTemplate\n";
const std::string kBottle = "apiVersion: bottle/v1\nkind: Bottle\nmetadata: {name: docs}\n";
const std::string kBundle = "  bundle:\n    containers:\n      - name: egress\n        image: bottle-egress:1\n        ports: [{name: proxy, port: 9099}]\n";

std::string base(const std::string& machine = "{image: {rootfs: rootfs}}", const std::string& more = kBundle) {
    return kTemplate + "spec:\n  machine: " + machine + "\n" + more;
}

std::string bottle_on(const std::string& parent, const std::string& more = {}) {
    return kBottle + "spec:\n  extends: " + parent + "\n" + more;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

}  // namespace

TEST_CASE("a bottle has what its template has, and what it says itself lies above it") {
    const FolderOfFiles files{
        {"base.yaml", kTemplate + "metadata: {name: base, labels: {team: docs, tier: low}}\nspec:\n"
                                  "  machine: {image: {rootfs: rootfs}, cpus: 4, memory: 2Gi, disk: {storage: 5Gi, overlay: 3Gi}, user: node}\n"
                                  "  agent: {command: [claude, --print], env: {EDITOR: vi, LANG: C.UTF-8}}\n"
                                  "  network: {firewall: required}\n" + kBundle},
        {"bottle.yaml", kBottle + "spec:\n  extends: base.yaml\n  machine: {memory: 1Gi, disk: {overlay: 1Gi}}\n  agent: {command: [codex], env: {EDITOR: nano, PAGER: cat}}\n"}};
    const auto m = files.load_bottles({"bottle.yaml"}).bottles.at(0);
    CHECK(m.name == "docs");
    CHECK(m.labels == std::map<std::string, std::string>{{"team", "docs"}, {"tier", "low"}});
    CHECK(m.machine.cpus == 4);
    CHECK(m.machine.memory_mib == 1024);
    CHECK(m.machine.storage_gib == 5);
    CHECK(m.machine.overlay_gib == 1);
    CHECK(m.machine.user == "node");
    CHECK(m.agent.command == std::vector<std::string>{"codex"});
    CHECK(m.agent.env == std::map<std::string, std::string>{{"EDITOR", "nano"}, {"LANG", "C.UTF-8"}, {"PAGER", "cat"}});
    CHECK(m.network.firewall == "required");
    CHECK(m.bundle.containers.at(0).name == "egress");
    // Where each thing was written.
    CHECK(m.place.file.ends_with("/bottle.yaml"));
    CHECK(m.machine.image_place.file.ends_with("/base.yaml"));
    CHECK(m.network.firewall_place.line == 7);
    CHECK(m.bundle.containers.at(0).image_place.line == 11);
}

TEST_CASE("an explicit empty clears what the template has") {
    const auto with = [](const std::string& spec) {
        const FolderOfFiles files{{"base.yaml", kTemplate + "metadata: {labels: {team: docs}}\nspec:\n  machine: {image: {rootfs: rootfs}, memory: 2Gi, user: node, disk: {storage: 5Gi}}\n"
                                                            "  agent: {command: [claude], env: {EDITOR: vi}}\n" + kBundle},
                                  {"bottle.yaml", kBottle + "spec:\n  extends: base.yaml\n" + spec}};
        return files.load_bottles({"bottle.yaml"}).bottles.at(0);
    };
    CHECK(with("  agent: {command: []}\n").agent.command.empty());
    CHECK(with("  agent: {command: []}\n").agent.env.size() == 1);
    CHECK(with("  agent: {env: {}}\n").agent.env.empty());
    CHECK(with("  agent: {env: {}}\n").agent.command.size() == 1);
    CHECK(with("  agent: {}\n").agent.command.empty());
    CHECK(with("  machine: {user: \"\"}\n").machine.user == "root");
    CHECK(with("  machine: {memory: \"\"}\n").machine.memory_mib == 4096);
    CHECK(with("  machine: {disk: {storage: \"\"}}\n").machine.storage_gib == 20);
    CHECK(with("  machine: {disk: {}}\n").machine.storage_gib == 20);
    // A variable may be empty, and still be there.
    CHECK(with("  agent: {env: {EDITOR: \"\"}}\n").agent.env == std::map<std::string, std::string>{{"EDITOR", ""}});
}

TEST_CASE("the list of containers is replaced whole, and image is one choice") {
    const FolderOfFiles files{{"base.yaml", kTemplate + "spec:\n  machine: {image: {docker: \"agent:1\"}}\n" + kBundle},
                              {"bottle.yaml", bottle_on("base.yaml", "  machine: {image: {rootfs: rootfs}}\n  bundle: {containers: [{name: web, image: web:1}]}\n")}};
    const auto m = files.load_bottles({"bottle.yaml"}).bottles.at(0);
    REQUIRE(m.bundle.containers.size() == 1);
    CHECK(m.bundle.containers[0].name == "web");
    CHECK(m.bundle.containers[0].ports.empty());
}

TEST_CASE("a template may extend another, and names paths beneath its own folder") {
    const FolderOfFiles files{{"templates/rootfs/etc/passwd", ""},
                              {"templates/base.yaml", base()},
                              {"templates/node.yaml", kTemplate + "spec: {extends: ./base.yaml, machine: {user: node}}\n"},
                              {"bottle.yaml", bottle_on("templates/node.yaml", "  machine: {cpus: 1}\n")},
                              {"templates/agent.tar", "x"},
                              {"packed.yaml", bottle_on("templates/packed.yaml")},
                              {"templates/packed.yaml", base("{image: {archive: agent.tar}}")},
                              {"up.yaml", bottle_on("templates/up.yaml")},
                              {"templates/up.yaml", base("{image: {rootfs: ../rootfs}}")}};
    const auto loaded = files.load_bottles({"bottle.yaml"});
    CHECK(loaded.bottles.at(0).machine.rootfs == std::filesystem::canonical(files.path()).string() + "/templates/rootfs");
    CHECK(files.load_bottles({"packed.yaml"}).bottles.at(0).machine.archive == std::filesystem::canonical(files.path()).string() + "/templates/agent.tar");
    CHECK(loaded.bottles.at(0).machine.user == "node");
    CHECK(loaded.bottles.at(0).machine.cpus == 1);
    CHECK(loaded.documents.at(0)["spec"]["machine"]["image"]["rootfs"] == "templates/rootfs");
    CHECK_FALSE(loaded.documents.at(0)["spec"].contains("extends"));
    CHECK(first_line(files.error({"up.yaml"})) == "templates/up.yaml:4:29: error: ../rootfs leads out of the manifest's folder");
    CHECK(first_line(files.error({"templates/up.yaml"})).find("this is a template") != std::string::npos);
}

TEST_CASE("a way that cannot be gone is named link by link, with places") {
    const FolderOfFiles files{{"a.yaml", bottle_on("b.yaml")},
                              {"b.yaml", kTemplate + "spec:\n  extends: ./c.yaml\n"},
                              {"c.yaml", kTemplate + "spec: {extends: b.yaml}\n"},
                              {"self.yaml", bottle_on("self.yaml")},
                              {"lost.yaml", bottle_on("d.yaml")},
                              {"d.yaml", kTemplate + "spec:\n  agent: {}\n  extends: nowhere.yaml\n"},
                              {"on-bottle.yaml", bottle_on("self.yaml")},
                              {"on-two.yaml", bottle_on("two.yaml")},
                              {"two.yaml", base() + "---\n" + base()},
                              {"on-nothing.yaml", bottle_on("nothing.yaml")},
                              {"nothing.yaml", "# nothing\n"}};
    CHECK(files.error({"a.yaml"}) == R"(c.yaml:3:17: error: extends leads in a circle: a.yaml:5 → b.yaml:4 → c.yaml:3 → b.yaml
    spec: {extends: b.yaml}
                    ^
  hint: take one of these links out
)");
    CHECK(first_line(files.error({"self.yaml"})) == "self.yaml:5:12: error: extends leads in a circle: self.yaml:5 → self.yaml");
    CHECK(first_line(files.error({"lost.yaml"})) == "d.yaml:5:12: error: lost.yaml:5 → d.yaml:5 → nowhere.yaml: there is no file nowhere.yaml");
    CHECK(first_line(files.error({"on-bottle.yaml"})) == "on-bottle.yaml:5:12: error: on-bottle.yaml:5 → self.yaml: self.yaml is no BottleTemplate");
    CHECK(first_line(files.error({"on-two.yaml"})) == "on-two.yaml:5:12: error: on-two.yaml:5 → two.yaml: two.yaml holds 2 documents");
    CHECK(first_line(files.error({"on-nothing.yaml"})) == "on-nothing.yaml:5:12: error: on-nothing.yaml:5 → nothing.yaml: nothing.yaml holds 0 documents");
}

TEST_CASE("nothing outside of the folder is read, and nothing over a symlink") {
    const FolderOfFiles files{{"outside.yaml", base()}, {"in/real/base.yaml", base()}, {"in/up.yaml", bottle_on("../outside.yaml")}, {"in/folder.yaml", bottle_on("real")},
                              {"in/far.yaml", bottle_on("/etc/passwd")}, {"in/link.yaml", bottle_on("linked.yaml")}, {"in/way.yaml", bottle_on("way/base.yaml")}, {"in/fifo.yaml", bottle_on("pipe.yaml")},
                              {"in/large.yaml", bottle_on("bytes.yaml")}, {"in/bytes.yaml", std::string((1 << 20) + 1, '#')}};
    std::filesystem::create_symlink("real/base.yaml", files.path() + "/in/linked.yaml");
    std::filesystem::create_directory_symlink("real", files.path() + "/in/way");
    REQUIRE(mkfifo((files.path() + "/in/pipe.yaml").c_str(), 0600) == 0);
    const auto says = [&](const char* file, const char* what) {
        const auto error = first_line(files.error({std::string("in/") + file}));
        INFO(error);
        CHECK(error.find(what) != std::string::npos);
    };
    says("up.yaml", "../outside.yaml leads out of this file's folder");
    says("far.yaml", "/etc/passwd leads out of this file's folder");
    says("link.yaml", "linked.yaml leads over a symlink");
    says("way.yaml", "way/base.yaml leads over a symlink");
    says("fifo.yaml", "it is no regular file");
    says("folder.yaml", "it is no regular file");
    says("large.yaml", "it has more than 1 MiB");
}

TEST_CASE("sixteen links are followed, and not one more") {
    FolderOfFiles files{{"bottle.yaml", bottle_on("t1.yaml")}};
    for (int i = 1; i < 16; ++i) files.write("t" + std::to_string(i) + ".yaml", kTemplate + "spec: {extends: t" + std::to_string(i + 1) + ".yaml}\n");
    files.write("t16.yaml", base());
    CHECK(files.error({"bottle.yaml"}).empty());
    files.write("t16.yaml", kTemplate + "spec: {extends: t17.yaml}\n");
    files.write("t17.yaml", base());
    const auto error = first_line(files.error({"bottle.yaml"}));
    INFO(error);
    CHECK(error.rfind("t16.yaml:3:17: error: extends is more than 16 links deep: bottle.yaml:5 → t1.yaml:3 → ", 0) == 0);
    CHECK(error.ends_with(" → t16.yaml:3 → t17.yaml"));
}

TEST_CASE("what is wrong has the place of the file and line that it came from") {
    const FolderOfFiles files{{"base.yaml", base("{image: {rootfs: nowhere}, memory: 32Mi}", "  bundle:\n    containers:\n      - {name: egress, image: e:1, capabilities: [SYS_ADMIN]}\n")},
                              {"bottle.yaml", bottle_on("base.yaml", "  agent:\n    env: {HTTP_PROXY: x}\n")}};
    CHECK(files.error({"bottle.yaml"}) == R"(bottle.yaml:7:11: error: HTTP_PROXY is set by bottle itself, to the bundle
        env: {HTTP_PROXY: x}
              ^
  hint: leave it out
base.yaml:4:29: error: there is no folder nowhere
      machine: {image: {rootfs: nowhere}, memory: 32Mi}
                                ^
  hint: it is looked for beneath FOLDER
base.yaml:4:47: error: a machine needs at least 64Mi
      machine: {image: {rootfs: nowhere}, memory: 32Mi}
                                                  ^
  hint: for example 512Mi
base.yaml:7:51: error: SYS_ADMIN would let the container out of its bundle
          - {name: egress, image: e:1, capabilities: [SYS_ADMIN]}
                                                      ^
  hint: leave it out
)");
    SECTION("also where it breaks the schema, or no version does it yet") {
        files.write("base.yaml", base("{image: {rootfs: rootfs}, memoy: 1Gi}"));
        CHECK(first_line(files.error({"bottle.yaml"})) == "base.yaml:4:38: error: unknown key \"memoy\"");
        files.write("base.yaml", base("{image: {rootfs: rootfs}, backend: docker}"));
        CHECK(first_line(files.error({"bottle.yaml"})).find("base.yaml:4:47: error: docker is not in this version") != std::string::npos);
        files.write("base.yaml", "apiVersion: *x\n");
        CHECK(first_line(files.error({"bottle.yaml"})).rfind("base.yaml:1:", 0) == 0);
    }
    SECTION("once, however many bottles extend the template") {
        files.write("base.yaml", base("{image: {rootfs: rootfs}, memoy: 1Gi}"));
        files.write("bottle.yaml", bottle_on("base.yaml") + "---\napiVersion: bottle/v1\nkind: Bottle\nmetadata: {name: other}\nspec: {extends: base.yaml}\n");
        const auto error = files.error({"bottle.yaml"});
        CHECK(error.find("memoy\"") == error.rfind("memoy\""));
    }
    SECTION("and a bottle must be whole in the end") {
        files.write("base.yaml", kTemplate + "spec:\n  machine: {cpus: 2}\n");
        const auto error = files.error({"bottle.yaml"});
        CHECK(error.find("base.yaml:4:12: error: the key image is missing") != std::string::npos);
        CHECK(error.find("error: the key bundle is missing") != std::string::npos);
    }
}

TEST_CASE("a template alone is checked as far as it goes, and is not applied") {
    const FolderOfFiles files{{"base.yaml", kTemplate + "spec: {}\n"}, {"top.yaml", kTemplate + "metadata: {}\nspec: {extends: base.yaml, network: {mode: socket}}\n"}};
    const auto loaded = files.load({"base.yaml", "top.yaml"});
    CHECK(loaded.bottles.empty());
    REQUIRE(loaded.templates.size() == 2);
    CHECK(loaded.templates[0].file.ends_with("/base.yaml"));
    CHECK(loaded.templates[0].line == 1);
    CHECK(files.error({"base.yaml"}) == R"(base.yaml:2:7: error: this is a template: it is no bottle, only what bottles extend
    kind: BottleTemplate
          ^
  hint: name a bottle that extends it; in a folder (-f FOLDER) templates are passed over
)");
    const auto wrong = [&](const std::string& spec) {
        files.write("base.yaml", kTemplate + "spec:\n  " + spec + "\n");
        CHECK_THROWS_AS(files.load({"base.yaml"}), Error);
    };
    wrong("machine: {memory: 4GiB}");
    wrong("machine: {memory: 32Mi}");
    wrong("machine: {image: {rootfs: nowhere}}");
    wrong("agent: {env: {HTTP_PROXY: x}}");
    wrong("agent: {prompt: ./p.md}");
    wrong("bundle: {containers: [{name: infra, image: a}]}");
    wrong("bundle: {containers: []}\n  network: {mode: socket}");
    wrong("extends: base.yaml");
    wrong("extends: nowhere.yaml");
}
