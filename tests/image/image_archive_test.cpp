#include "controllers/image/image_layout.h"
#include "controllers/machine/folder_copy.h"
#include "controllers/machine/image_copy.h"
#include "controllers/machine/image_file.h"
#include "tests/guest/temp_folder.h"
#include "tests/image/tar_text.h"
#include "tests/state/raised.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <regex>

using namespace bottle;

namespace {

const std::string kLower = TarText().folder("bin").file("bin/sh", "#!shell").file("etc/old", "x").whole();
const std::string kUpper = TarText().whiteout("etc/.wh.old").file("etc/new", "y").whole();

/// An archive beside the copy that is made of it.
struct Archived {
    TempFolder top;
    std::string file = top.file("agent.tar");
    std::string image = top.file("bottle/image");

    explicit Archived(const std::string& archive) { write_file(file, archive); }

    CopyImage action(ImageSource::Kind kind = ImageSource::Kind::Archive) const { return {{kind, file, digest_of(read_file(file))}, geteuid()}; }
    Outcome copy() const { return make_image_copy(action(), image); }
    /// What it says, without the folder that differs each time.
    std::string told() const {
        const auto outcome = copy();
        CHECK(image_copy(image).absent() == (outcome.kind != Outcome::Kind::Done));
        CHECK_FALSE(std::filesystem::exists(image + ".new"));
        CHECK_FALSE(std::filesystem::exists(image + ".new.tar"));
        const auto prefix = file + ": ";
        return outcome.text.starts_with(prefix) ? outcome.text.substr(prefix.size()) : outcome.text;
    }
};

std::string told(const std::string& archive) {
    return Archived(archive).told();
}

void must_be_the_image(const std::string& root) {
    CHECK(read_file(root + "/bin/sh") == "#!shell");
    CHECK(read_file(root + "/etc/new") == "y");
    CHECK_FALSE(std::filesystem::exists(root + "/etc/old"));
}

/// An archive of only these JSON texts.
std::string archive_of(const std::map<std::string, std::string>& members) {
    TarText tar;
    for (const auto& [name, text] : members) tar.file(name, text);
    return tar.whole();
}

}  // namespace

TEST_CASE("what `docker save` and skopeo write is unpacked, packed or not") {
    const SavedImage saved{{kLower, kUpper}, "", "linux"};
    for (const auto& archive : {saved.whole(), packed_with("gzip", saved.whole()), packed_with("zstd", saved.whole()), saved.oci(), saved.oci("gzip"), saved.oci("zstd"), packed_with("gzip", saved.oci("gzip"))}) {
        const Archived place(archive);
        const auto outcome = place.copy();
        INFO(outcome.text);
        REQUIRE(outcome.kind == Outcome::Kind::Done);
        must_be_the_image(place.image);
        const auto copy = image_copy(place.image);
        REQUIRE(copy.present());
        CHECK(*copy == ImageCopy{place.file, place.action().source.id, folder_listing(place.image).value()});
    }
}

TEST_CASE("a layer that two images share is a link in the archive") {
    const SavedImage saved{{kLower, kLower}, "", "linux"};
    TarText tar;
    tar.file("0/layer.tar", kLower).link("1/layer.tar", "../0/layer.tar").file("config.json", saved.config());
    tar.file("manifest.json", R"([{"Config": "config.json", "Layers": ["0/layer.tar", "1/layer.tar"]}])");
    CHECK(told(tar.whole()).empty());
    TarText loop;
    loop.link("a", "b").link("b", "a").file("config.json", saved.config()).file("manifest.json", R"([{"Config": "config.json", "Layers": ["a", "../../etc/passwd"]}])");
    CHECK(told(loop.whole()) == "layer 1 of 2: a in it is a link that leads nowhere");
    TarText out;
    out.link("a", "../../etc/passwd").file("config.json", saved.config()).file("manifest.json", R"([{"Config": "config.json", "Layers": ["a", "a"]}])");
    CHECK(told(out.whole()) == "layer 1 of 2: ../../etc/passwd leads up");
}

TEST_CASE("of an OCI layout with images for several systems it is this host's") {
    const SavedImage ours{{kLower, kUpper}, "", "linux"};
    const SavedImage other{{kLower}, "riscv64", "linux"};
    // Both layouts in one: each has its own parts, and the index names both.
    auto both = [&](const std::string& platforms) {
        TarText tar;
        for (const auto* image : {&ours, &other}) {
            for (const auto& layer : image->layers) tar.file("blobs/sha256/" + digest_of(layer).substr(7), layer);
            tar.file("blobs/sha256/" + image->id().substr(7), image->config());
        }
        nlohmann::json manifests = nlohmann::json::array();
        for (const auto* image : {&ours, &other}) {
            nlohmann::json layers = nlohmann::json::array();
            for (const auto& layer : image->layers) layers.push_back({{"digest", digest_of(layer)}});
            const auto manifest = nlohmann::json{{"config", {{"digest", image->id()}}}, {"layers", layers}}.dump();
            tar.file("blobs/sha256/" + digest_of(manifest).substr(7), manifest);
            manifests.push_back({{"digest", digest_of(manifest)}});
            if (!platforms.empty()) manifests.back()["platform"] = {{"os", "linux"}, {"architecture", image == &ours ? host_architecture() : platforms}};
        }
        manifests.push_back({{"digest", "sha256:0"}, {"platform", {{"os", "unknown"}, {"architecture", "unknown"}}}});
        const auto index = nlohmann::json{{"manifests", manifests}}.dump();
        tar.file("blobs/sha256/" + digest_of(index).substr(7), index);
        tar.file("index.json", nlohmann::json{{"manifests", {{{"mediaType", "application/vnd.oci.image.index.v1+json"}, {"digest", digest_of(index)}}}}}.dump());
        return tar.whole();
    };
    const Archived place(both("riscv64"));
    REQUIRE(place.told().empty());
    must_be_the_image(place.image);
    CHECK(told(both("")) == "it holds 2 images");
    CHECK(told(both(host_architecture())) == "it holds 2 images");
}

TEST_CASE("what is no image of one system is told in words") {
    const SavedImage saved{{kLower, kUpper}, "", "linux"};
    CHECK(told("no tar" + std::string(600, '.')).starts_with("it cannot be read: "));
    CHECK(told(kLower) == "it is no image: it has neither manifest.json nor index.json");
    CHECK(Archived(kLower).copy().hint == "docker save writes an image; what docker export writes has to be unpacked, and named as rootfs");
    CHECK(told(archive_of({{"manifest.json", "{"}})) == "manifest.json in it is no JSON");
    CHECK(told(archive_of({{"manifest.json", "[]"}})) == "it holds 0 images");
    CHECK(told(archive_of({{"manifest.json", R"([{}, {}])"}})) == "it holds 2 images");
    CHECK(told(archive_of({{"manifest.json", R"([{"Config": 7}])"}})) == "what it says of its image is not as `docker save` or an OCI layout has it");
    CHECK(told(archive_of({{"manifest.json", R"([{"Config": "c", "Layers": []}])"}})) == "it names c, and does not hold it");
    CHECK(told(archive_of({{"manifest.json", R"([{"Config": "c", "Layers": null}])"}, {"c", "{}"}})) == "it has no layers");
    CHECK(told(archive_of({{"manifest.json", R"([{"Config": "c", "Layers": ["l"]}])"}, {"c", "{}"}})) == "layer 1 of 1: it names l, and does not hold it");
    CHECK(told(archive_of({{"manifest.json", R"([{"Config": "c", "Layers": ["l"]}])"}, {"c", R"({"rootfs": {"diff_ids": ["a", "b"]}})"}})) == "it has 1 layers, and its configuration 2");
    CHECK(told(archive_of({{"index.json", R"({"manifests": []})"}})) == "it holds no image");
    CHECK(told(archive_of({{"index.json", R"({"manifests": [{"digest": "md5:1"}]})"}})) == "it names a part by md5:1, which is no SHA-256");
    const std::string some = "blobs/sha256/" + std::string(64, '1');
    CHECK(told(archive_of({{"index.json", R"({"manifests": [{"digest": "sha256:)" + std::string(64, '1') + "\"}]}"}, {some, "{}"}})) == some + " in it is not what its name says");
    CHECK(told(SavedImage{{kLower}, "riscv64", "linux"}.whole()) == "it is made for riscv64, and this host is " + host_architecture());
    CHECK(told(SavedImage{{kLower}, "", "windows"}.whole()) == "it is made for windows, and a machine runs linux");
    // A layer that the configuration does not mean.
    TarText swapped;
    swapped.file("a", kUpper).file("b", kLower).file("config.json", saved.config()).file("manifest.json", R"([{"Config": "config.json", "Layers": ["a", "b"]}])");
    CHECK(told(swapped.whole()).starts_with("layer 1 of 2: its content has digest sha256:"));
}

TEST_CASE("an archive that is cut off anywhere is refused") {
    const auto whole = SavedImage{{kLower, kUpper}, "", "linux"}.whole();
    for (std::size_t size = 0; size + 1024 < whole.size(); size += 397) {
        INFO(size);
        CHECK_FALSE(told(whole.substr(0, size)).empty());
    }
    const auto packed = packed_with("gzip", whole);
    for (std::size_t size = 7; size < packed.size(); size += 97) {
        INFO(size);
        CHECK_FALSE(told(packed.substr(0, size)).empty());
    }
}

TEST_CASE("the file is read again only where it is another one than the copy's") {
    const Archived place(SavedImage{{kLower}, "", "linux"}.whole());
    const auto id = digest_of(read_file(place.file));
    CHECK(image_file_id(place.file, place.image).value() == id);
    REQUIRE(place.told().empty());
    // By its record alone: the digest that stands there is believed while the file has its inode, size and times.
    auto record = nlohmann::json::parse(read_file(place.image + ".json"));
    record["sourceListing"] = "sha256:remembered";
    write_file(place.image + ".json", record.dump());
    CHECK(image_file_id(place.file, place.image).value() == "sha256:remembered");
    const timespec times[2] = {{1, 0}, {1, 0}};
    REQUIRE(utimensat(AT_FDCWD, place.file.c_str(), times, 0) == 0);
    CHECK(image_file_id(place.file, place.image).value() == id);
    write_file(place.file, "another");
    CHECK(image_file_id(place.file, place.image).value() == digest_of("another"));
    std::filesystem::remove(place.file);
    CHECK(image_file_id(place.file, place.image).absent());
    std::filesystem::create_symlink("/etc/passwd", place.file);
    CHECK(image_file_id(place.file, place.image).unknown());
    std::filesystem::remove(place.file);
    REQUIRE(mkfifo(place.file.c_str(), 0600) == 0);
    CHECK(image_file_id(place.file, place.image).unknown());
}

TEST_CASE("a copy is made only of the file that was looked at") {
    const Archived place(SavedImage{{kLower}, "", "linux"}.whole());
    auto action = place.action();
    write_file(place.file, SavedImage{{kUpper}, "", "linux"}.whole());
    const auto outcome = make_image_copy(action, place.image);
    CHECK(outcome.text == place.file + ": it changed since it was looked at");
    CHECK(image_copy(place.image).absent());
    CHECK_FALSE(std::filesystem::exists(place.image));
}

TEST_CASE("an image of Docker's is the one that was asked for") {
    const SavedImage saved{{kLower, kUpper}, "", "linux"};
    const TempFolder top;
    const auto image = top.file("bottle/image");
    std::string asked;
    const auto gives = [&](const std::string& archive) {
        return [&asked, archive](const std::string& id, int fd, std::uint64_t) {
            asked = id;
            return write(fd, archive.data(), archive.size()) == static_cast<ssize_t>(archive.size()) ? Outcome{} : Outcome{Outcome::Kind::Failed, "cannot write", ""};
        };
    };
    const CopyImage action{{ImageSource::Kind::Docker, "agent:1", saved.id()}, geteuid()};
    REQUIRE(make_image_copy(action, image, gives(saved.whole())).kind == Outcome::Kind::Done);
    CHECK(asked == saved.id());
    must_be_the_image(image);
    CHECK(image_copy(image).value() == ImageCopy{"agent:1", saved.id(), folder_listing(image).value()});
    CHECK(make_image_copy(action, image, gives(SavedImage{{kLower}, "", "linux"}.whole())).text == "agent:1: what Docker gave is not the image " + saved.id());
    CHECK(image_copy(image).absent());
    const auto fails = [](const std::string&, int, std::uint64_t) { return Outcome{Outcome::Kind::Failed, "Docker says 404: no such image", ""}; };
    CHECK(make_image_copy(action, image, fails).text == "agent:1: Docker says 404: no such image");
    // A Docker on containerd's store calls it by its manifest.
    const CopyImage by_manifest{{ImageSource::Kind::Docker, "agent:1", "sha256:" + std::string(64, '5')}, geteuid()};
    TarText tar;
    tar.file("l", kLower).file("c", SavedImage{{kLower}, "", "linux"}.config()).file("manifest.json", R"([{"Config": "c", "Layers": ["l"]}])");
    tar.file("index.json", R"({"manifests": [{"digest": "sha256:)" + std::string(64, '5') + "\"}]}");
    CHECK(make_image_copy(by_manifest, image, gives(tar.whole())).text.empty());
}

TEST_CASE("the folder above the copy is closed to everybody but us and the VMM's group") {
    const TempFolder top;
    const Archived place(SavedImage{{TarText().file("bin/su", "x", 04755).whole()}, "", "linux"}.whole());
    const auto image = top.file("images/docs/rootfs");
    auto action = place.action();
    action.vmm_uid = 2'900'005;
    REQUIRE(make_image_copy(action, image).kind == Outcome::Kind::Done);
    struct stat info {};
    REQUIRE(stat(top.file("images/docs").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0710);
    CHECK(info.st_uid == 0);
    CHECK(info.st_gid == 2'900'005);
    REQUIRE(stat(top.file("images").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0711);
    REQUIRE(stat((image + "/bin/su").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 04755);
}
