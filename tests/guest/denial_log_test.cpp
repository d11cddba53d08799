#include "controllers/guest/denial_log.h"
#include "tests/guest/temp_folder.h"

#include <sys/stat.h>
#include <catch2/catch.hpp>
#include <random>

using namespace bottle;
using Kind = ProbeTarget::Kind;
using Operation = Denial::Operation;

namespace {

const std::string kStamp = "[2026-11-24T12:20:56Z]: egress policy denied ";

ProbeTarget target(Kind kind, const std::string& address, int port, const std::string& name = {}) {
    return {kind, ProbeTarget::Expect::Denied, "", address, port, name};
}

}  // namespace

TEST_CASE("the lines that smolvm writes are read") {
    auto denials = parse_denials(kStamp + "connect to 10.231.0.1:99\n" + kStamp + "sendto 10.231.0.1:98\n" + kStamp +
                                 "resolve Foo.invalid.\n" + kStamp + "icmp 1.1.1.1\n" + kStamp +
                                 "connect to [2001:db8::1]:443\n" + kStamp + "connect to [::ffff:10.231.0.1]:80\n");
    CHECK(denials == std::vector<Denial>{{Operation::Connect, "10.231.0.1", 99, ""},
                                         {Operation::Send, "10.231.0.1", 98, ""},
                                         {Operation::Resolve, "", 0, "foo.invalid"},
                                         {Operation::Echo, "1.1.1.1", 0, ""},
                                         {Operation::Connect, "2001:db8::1", 443, ""},
                                         {Operation::Connect, "10.231.0.1", 80, ""}});
}

TEST_CASE("lines that are something else, or unfinished, say nothing") {
    for (const std::string& line : {std::string("\n"),
                                    std::string("hello\n"),
                                    kStamp + "connect to 10.231.0.1:99",
                                    kStamp + "connect to 10.231.0.1\n",
                                    kStamp + "connect to 10.231.0.1:\n",
                                    kStamp + "connect to 10.231.0.1:65536\n",
                                    kStamp + "connect to 10.231.0.1:-1\n",
                                    kStamp + "connect to 10.231.0.1:9 9\n",
                                    kStamp + "connect to host:99\n",
                                    kStamp + "connect to 010.231.0.1.9:99\n",
                                    kStamp + "connect to :99\n",
                                    kStamp + "listen on 10.231.0.1:99\n",
                                    kStamp + "resolve \n",
                                    kStamp + "resolve a b\n",
                                    kStamp + "resolve " + std::string(300, 'a') + "\n",
                                    kStamp + "resolve a\x1b[1mb\n",
                                    kStamp + "icmp host\n",
                                    kStamp + "\n",
                                    std::string("egress policy denied connect to 10.231.0.1:99\n"),
                                    "x" + kStamp + "connect to 10.231.0.1:99\n",
                                    "[" + std::string(100, '1') + kStamp.substr(1) + "connect to 10.231.0.1:99\n",
                                    std::string("[]: \0\n", 6)}) {
        INFO(line);
        CHECK(parse_denials(line).empty());
    }
    CHECK(parse_denials(std::string(1 << 20, 'a')).empty());
    CHECK(parse_denials(std::string(1 << 16, '\n')).empty());
}

TEST_CASE("a damaged log is survived, and what is whole in it is still read") {
    std::mt19937 random(7);
    const std::string line = kStamp + "connect to 10.231.0.1:99\n";
    for (int round = 0; round < 3000; ++round) {
        std::string damaged = line;
        for (int i = 0; i < 3; ++i) damaged[random() % line.size()] = static_cast<char>(random());
        damaged += "\n";
        damaged += line;
        CHECK_FALSE(parse_denials(damaged).empty());
    }
}

TEST_CASE("a denial speaks for its own address, port, protocol and name only") {
    auto denials = parse_denials(kStamp + "connect to 10.231.0.1:99\n" + kStamp + "sendto 10.231.0.1:98\n" + kStamp +
                                 "resolve a.invalid\n" + kStamp + "icmp 1.1.1.1\n");
    CHECK(is_denied(denials, target(Kind::Tcp, "10.231.0.1", 99)));
    CHECK(is_denied(denials, target(Kind::Tcp6, "::ffff:10.231.0.1", 99)));
    CHECK_FALSE(is_denied(denials, target(Kind::Tcp, "10.231.0.1", 9)));
    CHECK_FALSE(is_denied(denials, target(Kind::Tcp, "10.231.0.1", 98)));
    CHECK_FALSE(is_denied(denials, target(Kind::Tcp, "10.231.0.11", 99)));
    CHECK(is_denied(denials, target(Kind::Udp, "10.231.0.1", 98)));
    CHECK_FALSE(is_denied(denials, target(Kind::Udp, "10.231.0.1", 99)));
    CHECK(is_denied(denials, target(Kind::DnsUdp, "1.1.1.1", 53, "A.invalid")));
    CHECK(is_denied(denials, target(Kind::DnsTcp, "10.231.0.2", 53, "a.invalid")));
    CHECK_FALSE(is_denied(denials, target(Kind::DnsUdp, "1.1.1.1", 53, "b.invalid")));
    CHECK(is_denied(denials, target(Kind::Icmp, "1.1.1.1", 0)));
    CHECK_FALSE(is_denied(denials, target(Kind::Icmp, "1.0.0.1", 0)));
    // Where names are open, smolvm logs the refused connection to a resolver: no refusal of the name.
    auto connect = parse_denials(kStamp + "connect to 1.1.1.1:53\n");
    CHECK_FALSE(is_denied(connect, target(Kind::DnsTcp, "1.1.1.1", 53, "a.invalid")));
    CHECK_FALSE(is_denied({{Operation::Connect, "", 99, ""}}, target(Kind::Tcp, "nonsense", 98)));
}

TEST_CASE("only lines after the mark count") {
    TempFolder folder;
    const std::string path = folder.file("egress-denials.log");
    const std::string line = kStamp + "connect to 10.231.0.1:99\n";

    SECTION("a log that appears later, and one that never does") {
        auto mark = mark_denials(folder.path());
        REQUIRE(mark.present());
        CHECK_FALSE(mark->exists);
        auto none = denials_since(folder.path(), *mark);
        REQUIRE(none.present());
        CHECK(none->empty());
        write_file(path, line);
        REQUIRE(denials_since(folder.path(), *mark).present());
        CHECK(denials_since(folder.path(), *mark)->size() == 1);
    }
    SECTION("a log that grows") {
        write_file(path, line + line);
        auto mark = mark_denials(folder.path());
        REQUIRE(mark.present());
        CHECK(denials_since(folder.path(), *mark)->empty());
        write_file(path, line, true);
        CHECK(denials_since(folder.path(), *mark)->size() == 1);
    }
    SECTION("a log that shrank, was replaced, or vanished is not readable") {
        write_file(path, line + line);
        auto mark = mark_denials(folder.path());
        write_file(path, line);
        CHECK(denials_since(folder.path(), *mark).unknown());
        write_file(folder.file("new"), line + line + line);
        std::filesystem::rename(folder.file("new"), path);
        CHECK(denials_since(folder.path(), *mark).unknown());
        std::filesystem::remove(path);
        CHECK(denials_since(folder.path(), *mark).unknown());
    }
    SECTION("a symlink, a folder and a FIFO are not followed, opened or waited for") {
        write_file(folder.file("elsewhere"), line);
        std::filesystem::create_symlink(folder.file("elsewhere"), path);
        CHECK(mark_denials(folder.path()).unknown());
        CHECK(denials_since(folder.path(), {}).unknown());
        std::filesystem::remove(path);
        std::filesystem::create_directory(path);
        CHECK(mark_denials(folder.path()).unknown());
        std::filesystem::remove(path);
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        CHECK(mark_denials(folder.path()).unknown());
        CHECK(denials_since(folder.path(), {}).unknown());
    }
    SECTION("more than 8 MiB are not read") {
        write_file(path, std::string((8 << 20) + 1, 'x'));
        CHECK(denials_since(folder.path(), {}).unknown());
        write_file(path, std::string((8 << 20) - line.size() - 1, 'x') + "\n" + line);
        CHECK(denials_since(folder.path(), {})->size() == 1);
    }
}
