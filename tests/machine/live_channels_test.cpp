#include "controllers/machine/live_channels.h"

#include "controllers/guest/guest_files.h"
#include "tests/guest/temp_folder.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace bottle;

namespace {

using Names = std::set<std::string>;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

Fd listen_on(const std::string& path) {
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = address_of(path);
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(fd.get(), 4) == 0);
    return fd;
}

Fd connect_to(const std::string& path) {
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = address_of(path);
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

void make_private(const std::string& path) {
    REQUIRE(mkdir(path.c_str(), S_IRWXU) == 0);
}

/// A VM folder as a fresh start of smolvm 1.32.2 leaves it.
struct Folder {
    TempFolder temp;
    std::string path = temp.file("vm");
    std::vector<Fd> listeners;

    Folder() {
        make_private(path);
        for (const auto* name : {"agent.logs", "agent.ready", "agent.sock", "control.sock", "egress.sock", "ports.sock"}) listeners.push_back(listen_on(path + "/" + name));
    }
    std::string file(const char* name) const { return path + "/" + name; }
};

}  // namespace

TEST_CASE("the channels of a fresh start are named, and none is left after the seal") {
    const Folder folder;
    std::ofstream(folder.file("agent.config.json")) << "{}";
    CHECK(*live_channels(folder.path) == Names{"control.sock", "egress.sock", "ports.sock"});
    CHECK(seal_channels(folder.path).empty());
    CHECK(live_channels(folder.path)->empty());
    CHECK(std::filesystem::exists(folder.file("agent.sock")));
    CHECK(std::filesystem::exists(folder.file("agent.config.json")));
    CHECK(seal_channels(folder.path).find("was taken away, and the machine still listens") != std::string::npos);
}

TEST_CASE("exec and copy are no channel") {
    const Folder folder;
    const auto client = connect_to(folder.file("agent.sock"));
    CHECK(seal_channels(folder.path).empty());
    CHECK(live_channels(folder.path)->empty());
}

TEST_CASE("a connection that is held from before the seal is seen, accepted or not, at the seal and at each later look") {
    const Folder folder;
    for (const bool accepted : {false, true}) DYNAMIC_SECTION((accepted ? "accepted" : "waiting")) {
        const auto client = connect_to(folder.file("egress.sock"));
        const Fd server(accepted ? accept(folder.listeners[4].get(), nullptr, nullptr) : -1);
        CHECK(seal_channels(folder.path)== "a connection to egress.sock is there, after the seal");
        CHECK(*live_channels(folder.path) == Names{"a connection to egress.sock"});
    }
}

TEST_CASE("a second name of a channel is seen at the seal") {
    const Folder folder;
    REQUIRE(link(folder.file("egress.sock").c_str(), folder.temp.file("mine").c_str()) == 0);
    CHECK(seal_channels(folder.path).find("egress.sock has a second name") != std::string::npos);
}

TEST_CASE("a channel that was renamed before the seal is seen") {
    const Folder folder;
    REQUIRE(rename(folder.file("ports.sock").c_str(), folder.temp.file("mine").c_str()) == 0);
    CHECK(seal_channels(folder.path).find("ports.sock was taken away") != std::string::npos);
}

TEST_CASE("what is there again, is new, or is left of a change counts") {
    const TempFolder temp;
    const auto folder = temp.file("vm");
    CHECK(live_channels(folder)->empty());
    make_private(folder);
    CHECK(live_channels(folder)->empty());
    std::ofstream(folder + "/egress-update.lock") << "";
    std::ofstream(folder + "/egress.sock") << "no socket, but the name";
    const auto other = listen_on(folder + "/tomorrow.sock");
    CHECK(*live_channels(folder) == Names{"egress-update.lock", "egress.sock", "tomorrow.sock"});
    const auto agent = listen_on(folder + "/agent.sock");
    CHECK(clear_channels(folder).empty());
    CHECK(live_channels(folder)->empty());
    CHECK(std::filesystem::exists(folder + "/agent.sock"));
    CHECK(clear_channels(temp.file("none")).empty());
}

TEST_CASE("a folder that other users may enter is seen at the seal and at each later look") {
    const Folder folder;
    REQUIRE(chmod(folder.path.c_str(), 0755) == 0);
    CHECK(seal_channels(folder.path) == "a folder that other users may enter (mode 0755) is there, after the seal");
    for (const auto& [mode, text] : {std::pair<mode_t, std::string>{0701, "0701"}, {0750, "0750"}, {0777, "0777"}}) {
        REQUIRE(chmod(folder.path.c_str(), mode) == 0);
        CHECK(*live_channels(folder.path) == Names{"a folder that other users may enter (mode " + text + ")"});
    }
    REQUIRE(chmod(folder.path.c_str(), S_IRWXU) == 0);
    CHECK(live_channels(folder.path)->empty());
}

TEST_CASE("before a start a folder is shut to other users, and made where there is none; a link is not followed") {
    const TempFolder temp;
    const auto folder = temp.file("vm");
    CHECK(shut_folder(folder).empty());
    CHECK(live_channels(folder)->empty());
    REQUIRE(chmod(folder.c_str(), 0755) == 0);
    CHECK(live_channels(folder)->size() == 1);
    CHECK(shut_folder(folder).empty());
    CHECK(live_channels(folder)->empty());
    REQUIRE(chmod(folder.c_str(), 0755) == 0);
    std::filesystem::create_directory_symlink(folder, temp.file("link"));
    CHECK(shut_folder(temp.file("link")).find("cannot keep other users out") == 0);
    CHECK(shut_folder(temp.file("none/vm")).find("cannot make") == 0);
    CHECK(live_channels(folder)->size() == 1);
}

TEST_CASE("a socket that nobody has measured is not taken away, and the machine not called sealed") {
    const Folder folder;
    const auto other = listen_on(folder.file("tomorrow.sock"));
    CHECK(seal_channels(folder.path) == "tomorrow.sock is there, after the seal");
    CHECK(std::filesystem::exists(folder.file("tomorrow.sock")));
}

TEST_CASE("a version without a channel is sealed too") {
    const TempFolder temp;
    const auto agent = listen_on(temp.file("agent.sock"));
    CHECK(seal_channels(temp.path()).empty());
}

TEST_CASE("a folder reached by a link is the same folder") {
    const Folder folder;
    const auto other = folder.temp.file("by-link");
    std::filesystem::create_directory_symlink(folder.path, other);
    const auto client = connect_to(folder.file("control.sock"));
    CHECK(seal_channels(other) == "a connection to control.sock is there, after the seal");
    CHECK(*live_channels(other) == Names{"a connection to control.sock"});
}

TEST_CASE("a list of sockets is read as the kernel writes it") {
    const std::set<std::string> paths = {"/vm/egress.sock", "/vm/with space"};
    const std::string list =
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 15631\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 15632 /vm/egress.sock\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 15633 /vm/egress.sock\n"
        "0000000000000000: 00000003 00000000 00000000 0001 02     4 /vm/with space\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 15635 /vm/egress.sock2\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 15636 @/vm/egress.sock\n";
    CHECK(find_bound_sockets(list, paths) == std::vector<BoundSocket>{{"/vm/egress.sock", true, false}, {"/vm/egress.sock", false, true}, {"/vm/with space", false, true}});
    for (const char* text : {"", "\n", "x", "a b c d e f g", "a b c d e f ", "0: 3 0 Z 1 03 1 /vm/egress.sock"}) CHECK(find_bound_sockets(text, paths).size() <= 1);
}
