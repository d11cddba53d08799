#include "controllers/firewall/firewall_controller.h"
#include "controllers/host/uid_registry.h"
#include "manifests/error.h"
#include "reconciler/firewall.h"
#include "tests/support/model_world.h"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

using namespace bottle;

namespace {

constexpr std::int64_t kUid = 2'900'123;

FirewallRules rules(std::vector<int> ports) {
    return {kUid, "127.0.0.2", std::move(ports)};
}

void nft(const std::string& command) {
    REQUIRE(std::system(("nft '" + command + "'").c_str()) == 0);
}

void loopback_up() {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    REQUIRE(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
    close(fd);
}

/// A listener on every loopback address, and its port.
struct Listener {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 0;
    Listener() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        socklen_t size = sizeof address;
        REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
        REQUIRE(listen(fd, 8) == 0);
        REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port = ntohs(address.sin_port);
    }
    ~Listener() { close(fd); }
};

/// The errno of a connect by a process of that uid; 0 for a connection.
int connect_as(std::int64_t uid, const char* text, int port) {
    const pid_t child = fork();
    if (child == 0) {
        if (setresuid(static_cast<uid_t>(uid), static_cast<uid_t>(uid), static_cast<uid_t>(uid)) != 0) _exit(255);
        // Only now: a socket stays its maker's.
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        inet_pton(AF_INET, text, &address.sin_addr);
        _exit(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

struct Folder {
    std::string path = [] {
        char name[] = "/var/tmp/bottle-uids.XXXXXX";
        return std::string(mkdtemp(name));
    }();
    ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("the kernel lists what was installed, as the model writes it") {
    FirewallController firewall;
    for (const auto& ports : std::vector<std::vector<int>>{{9099}, {80, 9098, 9099}, {}}) {
        REQUIRE(firewall.act(InstallFirewall{rules(ports)}).kind == Outcome::Kind::Done);
        const auto listing = firewall.observe(kUid);
        REQUIRE(listing.present());
        INFO(*listing);
        CHECK(compare_firewall(*listing, rules(ports)).empty());
        CHECK(compare_firewall(model::listed_firewall(kUid, "127.0.0.2", ports), rules(ports)).empty());
        // Once more puts the same in its place.
        REQUIRE(firewall.act(InstallFirewall{rules(ports)}).kind == Outcome::Kind::Done);
        CHECK(compare_firewall(*firewall.observe(kUid), rules(ports)).empty());
    }
    REQUIRE(firewall.act(RemoveFirewall{kUid}).kind == Outcome::Kind::Done);
    CHECK(firewall.observe(kUid).absent());
    REQUIRE(firewall.act(RemoveFirewall{kUid}).kind == Outcome::Kind::Done);
}

TEST_CASE("what somebody else changes in it is seen, and what is beside it is not touched") {
    FirewallController firewall;
    // With flags, as firewalld's.
    nft("add table inet theirs { flags dormant; }");
    const auto table = firewall_table(kUid);
    for (const auto& command : {"insert rule inet " + table + " output accept", "add chain inet " + table + " more", "add set inet " + table + " s { type inet_service; }",
                                "flush chain inet " + table + " output", "add chain inet " + table + " output { policy drop; }", "add table inet " + table + " { flags dormant; }"}) {
        REQUIRE(firewall.act(InstallFirewall{rules({9099})}).kind == Outcome::Kind::Done);
        nft(command);
        INFO(command);
        const auto listing = firewall.observe(kUid);
        CHECK((!listing.present() || !compare_firewall(*listing, rules({9099})).empty()));
    }
    REQUIRE(firewall.act(RemoveFirewall{kUid}).kind == Outcome::Kind::Done);
    nft("list table inet theirs");
    nft("delete table inet theirs");
}

TEST_CASE("the uid reaches its address and ports, nothing else, and no other uid is held") {
    loopback_up();
    const Listener allowed;
    const Listener other;
    FirewallController firewall;
    REQUIRE(connect_as(kUid, "127.0.0.2", other.port) == 0);
    REQUIRE(firewall.act(InstallFirewall{rules({allowed.port})}).kind == Outcome::Kind::Done);
    CHECK(connect_as(kUid, "127.0.0.2", allowed.port) == 0);
    CHECK(connect_as(kUid, "127.0.0.2", other.port) == ECONNREFUSED);
    CHECK(connect_as(kUid, "127.0.0.1", allowed.port) == ECONNREFUSED);
    CHECK(connect_as(kUid + 1, "127.0.0.2", other.port) == 0);
    CHECK(connect_as(2'000'000, "127.0.0.1", other.port) == 0);
    const auto traffic = firewall_traffic(*firewall.observe(kUid));
    REQUIRE(traffic);
    CHECK(traffic->accepted > 0);
    CHECK(traffic->rejected >= 2);
    REQUIRE(firewall.act(RemoveFirewall{kUid}).kind == Outcome::Kind::Done);
    CHECK(connect_as(kUid, "127.0.0.2", other.port) == 0);
}

TEST_CASE("without the right to look, it is unknown and not absent") {
    const pid_t child = fork();
    if (child == 0) {
        if (setresuid(65534, 65534, 65534) != 0) _exit(2);
        FirewallController firewall;
        const bool honest = firewall.observe(kUid).unknown() && firewall.act(InstallFirewall{rules({1})}).kind == Outcome::Kind::Failed;
        _exit(honest ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("a uid is one bottle's on the whole host, whatever its state folder") {
    const Folder folder;
    const auto registry = folder.path + "/uids";
    CHECK(registered_uids(registry).empty());
    CHECK(register_uid(registry, kUid, uid_holder("/a", "docs")));
    CHECK(register_uid(registry, kUid, uid_holder("/a", "docs")));
    CHECK_FALSE(register_uid(registry, kUid, uid_holder("/b", "docs")));
    CHECK(registered_uids(registry) == std::map<std::int64_t, std::string>{{kUid, "/a docs"}});
    unregister_uid(registry, kUid, uid_holder("/b", "docs"));
    CHECK(registered_uids(registry).size() == 1);
    unregister_uid(registry, kUid, uid_holder("/a", "docs"));
    CHECK(registered_uids(registry).empty());
    unregister_uid(registry, kUid, uid_holder("/a", "docs"));

    // Many at once: one of them gets it.
    std::vector<std::thread> threads;
    std::atomic<int> winners = 0;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&, i] { winners += register_uid(registry, kUid, uid_holder("/state", std::to_string(i))) ? 1 : 0; });
    for (auto& thread : threads) thread.join();
    CHECK(winners == 1);

    chmod(registry.c_str(), 0777);
    CHECK_THROWS_AS(registered_uids(registry), Error);
}
