#include "controllers/host/preflight.h"

#include <catch2/catch.hpp>

using namespace bottle;

namespace {

PreflightFacts good() {
    PreflightFacts facts;
    facts.is_root = true;
    facts.smolvm_path = "/opt/smolvm/smolvm";
    facts.smolvm_version = "1.32.2";
    facts.kvm.exists = true;
    facts.kvm.is_device = true;
    facts.kvm.mode = 0660;
    facts.kvm.uid = 0;
    facts.kvm.gid = 995;
    facts.kvm.cpu_can = true;
    facts.docker.address = "/var/run/docker.sock";
    facts.image = "/srv/rootfs";
    facts.vmm_uid = 2'900'005;
    return facts;
}

/// Not root: their machine's VMM has their own uid and groups.
PreflightFacts good_user() {
    auto facts = good();
    facts.is_root = false;
    facts.euid = 1500;
    facts.kvm_is_open_to_us = true;
    facts.vmm_uid = 0;
    return facts;
}

/// What is told, as "text | hint", one a line.
std::string told(const PreflightFacts& facts) {
    std::string all;
    for (const auto& problem : check_preflight(facts)) all += problem.text + " | " + problem.hint + "\n";
    return all;
}

}  // namespace

TEST_CASE("a host that has everything hears nothing") {
    CHECK(told(good()).empty());
    auto open_to_all = good();
    open_to_all.kvm.mode = 0666;
    open_to_all.kvm.gid = 0;
    CHECK(told(open_to_all).empty());
}

TEST_CASE("everything that is missing is told at once") {
    PreflightFacts bare;
    bare.docker.problem = "connection refused";
    bare.impassable = {{"/srv", true, false}};
    CHECK(check_preflight(bare).size() == 4);
}

TEST_CASE("a user in the device's group who may use Docker hears nothing") {
    CHECK(told(good_user()).empty());
    SECTION("the namespace of dockerd cannot be told: the proof does, later") {
        auto facts = good_user();
        facts.docker.same_network_namespace = std::nullopt;
        CHECK(told(facts).empty());
        facts.is_root = true;
        facts.kvm.mode = 0666;
        CHECK(check_preflight(facts).size() == 1);
    }
    SECTION("an image of their own is copied, so that it may be writable") {
        auto facts = good_user();
        facts.image_writable = false;
        CHECK(told(facts).empty());
    }
}

TEST_CASE("a user hears what root must give them") {
    auto facts = good_user();
    SECTION("not in the group of /dev/kvm") {
        facts.kvm_is_open_to_us = false;
        CHECK(told(facts) ==
              "/dev/kvm is there, but you (uid 1500) cannot open it: the device is 0:995 0660 | sudo usermod -aG $(getent group 995 | cut -d: -f1) $(id -un)   then log in "
              "again\n");
    }
    SECTION("the device is root's alone") {
        facts.kvm.gid = 0;
        facts.kvm_is_open_to_us = false;
        CHECK(told(facts).find("groupadd --system kvm") != std::string::npos);
    }
    SECTION("not in the group docker") {
        facts.docker.not_permitted = true;
        facts.docker.problem = "we may not use Docker's socket /var/run/docker.sock";
        CHECK(told(facts) ==
              "Docker does not answer at /var/run/docker.sock: we may not use Docker's socket /var/run/docker.sock | sudo usermod -aG docker $(id -un)   then log in "
              "again; whoever is in that group is as good as root\n");
    }
    SECTION("dockerd is elsewhere") {
        facts.docker.same_network_namespace = false;
        CHECK(told(facts) == "this Docker runs in another network namespace than bottle: its bridges are not this host's | run bottle where dockerd runs\n");
    }
    SECTION("a rootless Docker") {
        facts.docker.socket_owner = 1500;
        CHECK(told(facts).find("rootless") != std::string::npos);
    }
    SECTION("an image that they cannot read") {
        facts.impassable = {{"/srv", true, false}, {"/srv/rootfs", true, true}};
        CHECK(told(facts) ==
              "you (uid 1500) cannot pass /srv on the way to the machine's image /srv/rootfs | chmod o+x /srv   or move the image to where everybody may pass\n"
              "you (uid 1500) cannot read /srv/rootfs, the machine's image | chmod o+rx /srv/rootfs   or move the image to where everybody may pass\n");
    }
    SECTION("a path that is too long") {
        facts.longest_socket = std::string(kMaxSocketPath + 1, 's');
        CHECK(told(facts).find("export XDG_STATE_HOME=$HOME/.s ") != std::string::npos);
    }
}

TEST_CASE("smolvm missing, silent, or of another version are three things") {
    auto facts = good();
    SECTION("missing") {
        facts.smolvm_path = "";
        CHECK(told(facts) ==
              "this bottle's machine needs the program smolvm on PATH, and no absolute folder of PATH has it | python3 -m pip download --no-deps "
              "smolmachines==1.32.2, unzip it, and put smol/smol-vmm on PATH as smolvm, executable, beside its libraries\n");
    }
    SECTION("silent") {
        facts.smolvm_version = "";
        facts.smolvm_problem = "it was killed by signal 11";
        CHECK(told(facts) == "/opt/smolvm/smolvm does not say its version: it was killed by signal 11 | /opt/smolvm/smolvm --version   should print: smolvm 1.32.2\n");
    }
    SECTION("another version") {
        facts.smolvm_version = "1.33.0\x1b[2J";
        CHECK(told(facts) ==
              "/opt/smolvm/smolvm is version 1.33.0\\x1B[2J, and this bottle supports 1.4.0, 1.8.3, 1.32.2: what confines a machine differs by version | put smolvm 1.32.2 first on "
              "PATH (python3 -m pip download --no-deps smolmachines==1.32.2)\n");
    }
}

TEST_CASE("/dev/kvm missing and /dev/kvm closed are two things") {
    auto facts = good();
    SECTION("missing, and the processor can") {
        facts.kvm.exists = false;
        CHECK(told(facts) ==
              "/dev/kvm is missing: the machine needs the kernel's virtualization | modprobe kvm-intel   or   modprobe kvm-amd; if that fails, switch virtualization "
              "on in the BIOS or firmware\n");
    }
    SECTION("missing, and the processor shows nothing") {
        facts.kvm.exists = false;
        facts.kvm.cpu_can = false;
        CHECK(told(facts) ==
              "/dev/kvm is missing: the machine needs the kernel's virtualization | the processor shows neither vmx nor svm: switch virtualization on in the BIOS or "
              "firmware (on a virtual host: nested virtualization), then modprobe kvm-intel or modprobe kvm-amd\n");
    }
    SECTION("not a device") {
        facts.kvm.is_device = false;
        CHECK(told(facts) == "/dev/kvm is there, but it is no character device | rm /dev/kvm, then modprobe kvm-intel or modprobe kvm-amd\n");
    }
    SECTION("root's alone") {
        facts.kvm.mode = 0600;
        facts.kvm.gid = 0;
        CHECK(told(facts) ==
              "/dev/kvm is there, but the VMM (uid 2900005) cannot open it: beside its uid it has only the device's group, and the device is 0:0 0600 | chgrp kvm "
              "/dev/kvm && chmod 660 /dev/kvm   (where there is no group kvm: groupadd --system kvm)\n");
    }
    SECTION("the group may only read") {
        facts.kvm.mode = 0640;
        CHECK(check_preflight(facts).size() == 1);
    }
    SECTION("group root does not count") {
        facts.kvm.gid = 0;
        CHECK(check_preflight(facts).size() == 1);
    }
    SECTION("no uid chosen yet: root's own access is not the question") {
        facts.kvm.mode = 0600;
        facts.vmm_uid = 0;
        CHECK(told(facts).rfind("/dev/kvm is there, but the VMM (a uid of its own) cannot open it", 0) == 0);
    }
}

TEST_CASE("a Docker whose networks are elsewhere is refused, with one reason") {
    auto facts = good();
    SECTION("no answer") {
        facts.docker.problem = "No such file or directory";
        CHECK(told(facts) ==
              "Docker does not answer at /var/run/docker.sock: No such file or directory | systemctl start docker   or set DOCKER_HOST=unix:///path/to/docker.sock\n");
    }
    SECTION("an answer, of something else") {
        facts.docker.refused = true;
        facts.docker.problem = "what listens at /var/run/docker.sock cannot be used: it is podman 4.3.1";
        CHECK(told(facts) ==
              "what listens at /var/run/docker.sock cannot be used: it is podman 4.3.1 | apt-get install docker.io   or set DOCKER_HOST=unix:///path/to/docker.sock\n");
    }
    SECTION("Desktop") {
        facts.docker.desktop = true;
        facts.docker.socket_owner = 1000;
        CHECK(told(facts) == "this is Docker Desktop: its networks are in a machine of its own, where no VM of this host can reach them | install Docker Engine natively\n");
    }
    SECTION("rootless by its own word") {
        facts.docker.rootless = true;
        CHECK(told(facts) ==
              "this Docker runs rootless: its networks are in a namespace of their own, where no VM of this host can reach them | use the system's Docker: "
              "DOCKER_HOST=unix:///var/run/docker.sock\n");
    }
    SECTION("rootless by its owner") {
        facts.docker.socket_owner = 1000;
        CHECK(check_preflight(facts).size() == 1);
    }
    SECTION("served by who knows whom") {
        facts.docker.socket_owner = -1;
        facts.docker.same_network_namespace = false;
        CHECK(told(facts) ==
              "who serves Docker at /var/run/docker.sock cannot be told: its networks may not be this host's | use the system's Docker: "
              "DOCKER_HOST=unix:///var/run/docker.sock\n");
    }
    SECTION("another network namespace") {
        facts.docker.same_network_namespace = false;
        CHECK(told(facts) == "this Docker runs in another network namespace than bottle: its bridges are not this host's | run bottle where dockerd runs\n");
    }
}

TEST_CASE("an image that the VMM cannot read, or can write, is told with the folder that it hangs on") {
    auto facts = good();
    SECTION("on the way") {
        facts.impassable = {{"/srv/my stuff", true, false}};
        CHECK(told(facts) ==
              "the VMM (uid 2900005) cannot pass /srv/my stuff on the way to its image /srv/rootfs | chmod o+x '/srv/my stuff'   or move the image to where everybody may "
              "pass\n");
    }
    SECTION("itself") {
        facts.impassable = {{"/srv/rootfs", true, true}};
        CHECK(told(facts) == "the VMM (uid 2900005) cannot read /srv/rootfs, its image | chmod o+rx /srv/rootfs   or move the image to where everybody may pass\n");
    }
    SECTION("not there") {
        facts.impassable = {{"/srv/rootfs", false, false}};
        CHECK(told(facts) == "the image /srv/rootfs: there is no folder /srv/rootfs | \n");
    }
    SECTION("writable") {
        facts.image = "/srv/it's";
        facts.image_writable = true;
        CHECK(told(facts) ==
              "the VMM (uid 2900005) could write its own image /srv/it's: a guest that breaks out would change what the next start runs | chown root:root '/srv/it'\\''s' && "
              "chmod go-w '/srv/it'\\''s'\n");
    }
}

TEST_CASE("a state folder that leaves no room for a socket's path is told before anything is made") {
    auto facts = good();
    facts.longest_socket = "/" + std::string(kMaxSocketPath - 1, 's');
    CHECK(told(facts).empty());
    facts.longest_socket += "s";
    CHECK(told(facts).find("would have 108 bytes, and a socket's path can have 107 | export XDG_STATE_HOME=") != std::string::npos);
}

TEST_CASE("what the host policy names is told as that, not as a variable") {
    auto facts = good();
    facts.smolvm_named = "/opt/smolvm (/etc/bottle/config.yaml:4:16)";
    facts.docker.named = "/etc/bottle/config.yaml:3:16";
    CHECK(told(facts).empty());
    SECTION("no program") {
        facts.smolvm_path = "";
        CHECK(told(facts) == "this bottle's machine needs the program smolvm, and the one that the host policy names is none: /opt/smolvm (/etc/bottle/config.yaml:4:16) | "
                             "name smolvm 1.32.2 there (python3 -m pip download --no-deps smolmachines==1.32.2)\n");
    }
    SECTION("another version") {
        facts.smolvm_version = "1.9.3";
        CHECK(told(facts).find(" | name smolvm 1.32.2 there (") != std::string::npos);
    }
    SECTION("a Docker of another user") {
        facts.docker.socket_owner = 1500;
        CHECK(told(facts).find(" | use the system's Docker: docker: {host: \"unix:///var/run/docker.sock\"}, at /etc/bottle/config.yaml:3:16\n") != std::string::npos);
    }
}
