#include "controllers/machine/image_copy.h"
#include "tests/docker/private_docker.h"
#include "tests/guest/temp_folder.h"
#include "tests/image/tar_text.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <fstream>
#include <set>

// What Docker writes of an image (`docker save`), measured with 20.10.24: it becomes a folder as its containers see it.
using namespace bottle;

namespace {

std::string post(Engine& engine, const std::string& path, const std::string& body = {}, const std::string& type = "application/json") {
    const auto answer = engine.call("POST", path, body, type);
    INFO(path << ": " << describe(answer, engine.socket()));
    REQUIRE(answer.succeeded());
    return answer.body;
}

std::string id_of(DockerHand& hand, const std::string& reference) {
    return hand.get("/images/" + reference + "/json").at("Id");
}

/// Docker's list has no order.
std::set<std::string> images_of(DockerHand& hand) {
    std::set<std::string> all;
    for (const auto& image : hand.get("/images/json?all=1")) all.insert(image.dump());
    return all;
}

Outcome copy_of(Engine& engine, const std::string& id, const std::string& image) {
    DockerController controller(engine);
    return make_image_copy({{ImageSource::Kind::Docker, "agent:1", id}, geteuid()}, image, [&](const std::string& asked, int fd, std::uint64_t cap) { return controller.save_image(asked, fd, cap); });
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("an image of a real Docker, two layers with a whiteout, one of them twice, becomes a folder") {
    const auto engine = make_http_engine(private_docker_socket());
    DockerHand hand(*engine);
    hand.clear();
    const auto base = TarText().folder("bin").file("bin/sh", "#!shell", 04755).owner(1000, 1001).file("home/node/key", "mine", 0600).file("etc/old", "x").whole();
    const auto upper = TarText().whiteout("etc/.wh.old").file("etc/new", "y").link("lib", "bin").hard_link("etc/same", "etc/new").whole();
    const SavedImage saved{{base, upper, base}, "", "linux"};
    post(*engine, "/images/load?quiet=1", saved.whole(), "application/x-tar");
    const TempFolder top;
    const auto image = top.file("bottle/image");
    const auto outcome = copy_of(*engine, saved.id(), image);
    INFO(outcome.text);
    REQUIRE(outcome.kind == Outcome::Kind::Done);
    CHECK(text_of(image + "/bin/sh") == "#!shell");
    CHECK(text_of(image + "/etc/new") == "y");
    CHECK(text_of(image + "/etc/same") == "y");
    CHECK(text_of(image + "/etc/old") == "x");
    CHECK(std::filesystem::read_symlink(image + "/lib") == "bin");
    CHECK(image_copy(image)->source_listing == saved.id());
}

TEST_CASE("what a container removed is gone from the image that was made of it, and Docker is only read") {
    const auto engine = make_http_engine(private_docker_socket());
    DockerHand hand(*engine);
    hand.clear();
    const SavedImage saved{{TarText().file("bin/busybox", text_of("/bin/busybox"), 0755).file("opt/old", "x").whole()}, "", "linux"};
    post(*engine, "/images/load?quiet=1", saved.whole(), "application/x-tar");
    post(*engine, "/images/" + saved.id() + "/tag?repo=agent&tag=1");
    constexpr const char* kMaker = R"({"Image": "agent:1", "Cmd": ["/bin/busybox", "sh", "-c",
        "/bin/busybox mkdir -p /srv/a && echo made > /srv/a/new && /bin/busybox rm -r /opt"], "HostConfig": {"NetworkMode": "none"}})";
    post(*engine, "/containers/create?name=maker", kMaker);
    hand.start("maker");
    post(*engine, "/containers/maker/wait");
    post(*engine, "/commit?container=maker&repo=agent&tag=2", "{}");
    const auto before = images_of(hand);
    const TempFolder top;
    const auto first = top.file("one/image");
    const auto second = top.file("two/image");
    REQUIRE(copy_of(*engine, id_of(hand, "agent:1"), first).text.empty());
    REQUIRE(copy_of(*engine, id_of(hand, "agent:2"), second).text.empty());
    CHECK(std::filesystem::exists(first + "/bin/busybox"));
    CHECK_FALSE(std::filesystem::exists(first + "/srv"));
    CHECK(std::filesystem::exists(second + "/bin/busybox"));
    CHECK(text_of(second + "/srv/a/new") == "made\n");
    CHECK(text_of(first + "/opt/old") == "x");
    CHECK_FALSE(std::filesystem::exists(second + "/opt"));
    CHECK(images_of(hand) == before);
    hand.clear();
}

TEST_CASE("an image that a real Docker does not have is told as Docker tells it") {
    const auto engine = make_http_engine(private_docker_socket());
    const TempFolder top;
    const auto outcome = copy_of(*engine, "sha256:" + std::string(64, 'a'), top.file("bottle/image"));
    CHECK(outcome.kind == Outcome::Kind::Failed);
    INFO(outcome.text);
    CHECK(outcome.text.starts_with("agent:1: Docker says "));
    CHECK(image_copy(top.file("bottle/image")).absent());
    CHECK_FALSE(std::filesystem::exists(top.file("bottle/image.new.tar")));
}
