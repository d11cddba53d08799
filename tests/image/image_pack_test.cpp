#include "controllers/image/image_layout.h"
#include "controllers/machine/image_copy.h"
#include "tests/guest/temp_folder.h"
#include "tests/image/tar_text.h"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace bottle;

namespace {

const std::string kLayer = TarText().folder("bin").file("bin/sh", "#!shell").whole();

/// What a copy of the pack says; empty: it was made.
std::string told(const std::string& pack, const std::function<void(const std::string& image)>& then = {}) {
    const TempFolder top;
    write_file(top.file("agent.smolmachine"), pack);
    const auto image = top.file("bottle/image");
    const auto outcome = make_image_copy({{ImageSource::Kind::Pack, top.file("agent.smolmachine"), digest_of(pack)}, geteuid()}, image);
    if (then) then(image);
    const auto prefix = top.file("agent.smolmachine") + ": ";
    return outcome.text.starts_with(prefix) ? outcome.text.substr(prefix.size()) : outcome.text;
}

}  // namespace

TEST_CASE("a pack's layers become the folder, and nothing else of it") {
    CHECK(told(pack_of({kLayer, TarText().file("etc/more", "y").whole()}), [](const std::string& image) {
              CHECK(read_file(image + "/bin/sh") == "#!shell");
              CHECK(read_file(image + "/etc/more") == "y");
              CHECK_FALSE(std::filesystem::exists(image + "/init"));
              CHECK_FALSE(std::filesystem::exists(image + "/storage.ext4"));
          }).empty());
}

TEST_CASE("a pack that was made of a machine is refused") {
    const std::string words = "it was made of a machine, and holds that one's disk: only a pack of an image can be used";
    CHECK(told(pack_of({kLayer}, "vm")) == words);
    CHECK(told(pack_of({kLayer}, "container", R"({"overlay_template": {"path": "overlay.raw", "size": 1}})")) == words);
    CHECK(told(pack_of({kLayer}, "container", R"({"overlay_template": null})")).empty());
}

TEST_CASE("what is no whole pack is told in words") {
    const auto pack = pack_of({kLayer});
    CHECK(told("") == "it is no pack of smolvm's, or breaks off");
    CHECK(told(SavedImage{{kLayer}, "", "linux"}.whole()) == "it is no pack of smolvm's, or breaks off");
    for (std::size_t size = 0; size < pack.size(); size += 61) CHECK(told(pack.substr(0, size)) == "it is no pack of smolvm's, or breaks off");
    CHECK(told(pack.substr(1)) == "it breaks off, or its parts are not where its end says");
    CHECK(told("x" + pack) == "it breaks off, or its parts are not where its end says");
    auto damaged = pack;
    damaged[40] = static_cast<char>(damaged[40] ^ 1);
    CHECK(told(damaged) == "it is damaged: its checksum is another");
    auto later = pack;
    later[pack.size() - 56] = 9;
    CHECK(told(later) == "it is a pack of format 9, and 1 to 3 are known");
    CHECK(told(pack_of({})) == "it has no layers");
    CHECK(told(pack_of({kLayer}, "container", R"({"layers": [{"digest": "x"}]})")) == "what it says of itself is not as smolvm writes it");
    CHECK(told(pack_of({kLayer}, "container", R"({"layers": [{"path": "layers/9.tar"}]})")) == "layer 1 of 1: it names layers/9.tar, and does not hold it");
    CHECK(told(pack_of({kLayer}, "container", R"({"layers": [{"path": "../../etc/passwd"}]})")) == "layer 1 of 1: ../../etc/passwd leads up");
    const auto other = host_architecture() == "amd64" ? std::string("linux/arm64") : std::string("linux/amd64");
    CHECK(told(pack_of({kLayer}, "container", "", other)) == "it is made for " + other + ", and this host is linux/" + host_architecture());
}
