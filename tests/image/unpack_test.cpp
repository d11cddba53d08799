#include "controllers/image/unpack.h"

#include "tests/guest/temp_folder.h"
#include "tests/image/tar_text.h"
#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cstring>

using namespace bottle;

namespace {

/// A layer in memory.
class TextBytes : public ByteSource {
public:
    explicit TextBytes(const std::string& text) : text_(text) {}
    std::size_t read(char* data, std::size_t size) override {
        const auto count = std::min(size, text_.size() - at_);
        std::memcpy(data, text_.data() + at_, count);
        at_ += count;
        return count;
    }

private:
    const std::string& text_;
    std::size_t at_ = 0;
};

void unpack(const std::vector<std::string>& layers, const std::string& folder, const UnpackOwner& owner = {}) {
    std::vector<LayerBytes> bytes;
    for (const auto& layer : layers) bytes.push_back({[&layer] { return std::make_unique<TextBytes>(layer); }, ""});
    unpack_layers(bytes, folder, owner);
}

struct stat look(const std::string& path) {
    struct stat info {};
    INFO(path);
    REQUIRE(lstat(path.c_str(), &info) == 0);
    return info;
}

unsigned mode(const std::string& path) {
    return look(path).st_mode & 07777;
}

bool there(const std::string& path) {
    return std::filesystem::exists(std::filesystem::symlink_status(path));
}

/// What unpacking it says; and that nothing stands beside the folder afterwards.
std::string refused(const std::vector<std::string>& layers) {
    const TempFolder top;
    auto text = raised([&] { unpack(layers, top.file("rootfs")); });
    for (const auto& entry : std::filesystem::directory_iterator(top.path())) CHECK(entry.path().filename() == "rootfs");
    return text;
}

}  // namespace

TEST_CASE("layers become a folder: content, modes, times, links, owners") {
    const TempFolder top;
    const auto root = top.file("rootfs");
    TarText base;
    base.folder("./", 0700).folder("bin").owner(0, 0).file("bin/sh", "#!shell", 04755).owner(1000, 1001).folder("home/node", 0700).file("home/node/key", "mine", 0600);
    base.owner(0, 0).link("lib", "usr/lib").link("outside", "/etc/passwd").hard_link("bin/dash", "bin/sh").device("dev/null").fifo("run/pipe").folder("closed", 0).file("empty", "");
    base.pax_file("home/" + std::string(150, 'x') + "/ü", "long");
    SECTION("as root, for a VMM of another uid") {
        unpack({base.whole()}, root, {true, true});
        CHECK(look(root + "/home/node/key").st_uid == 1000);
        CHECK(look(root + "/home/node/key").st_gid == 1001);
        CHECK(mode(root + "/home/node/key") == 0604);
        CHECK(mode(root + "/home/node") == 0705);
        CHECK(mode(root) == 0705);
        CHECK(mode(root + "/closed") == 0705);
        CHECK(mode(root + "/run/pipe") == 0644);
    }
    SECTION("as a user") {
        unpack({base.whole()}, root);
        CHECK(look(root + "/home/node/key").st_uid == geteuid());
        CHECK(mode(root + "/home/node/key") == 0600);
        CHECK(mode(root) == 0700);
        CHECK(mode(root + "/closed") == 0700);
    }
    CHECK(read_file(root + "/bin/sh") == "#!shell");
    CHECK(mode(root + "/bin/sh") == 04755);
    CHECK(look(root + "/bin/sh").st_mtim.tv_sec == 1'234'567);
    CHECK(look(root + "/bin").st_mtim.tv_sec == 1'234'567);
    CHECK(look(root + "/bin/sh").st_ino == look(root + "/bin/dash").st_ino);
    CHECK(std::filesystem::read_symlink(root + "/lib") == "usr/lib");
    CHECK(std::filesystem::read_symlink(root + "/outside") == "/etc/passwd");
    CHECK(look(root + "/lib").st_mtim.tv_sec == 1'234'567);
    CHECK(S_ISFIFO(look(root + "/run/pipe").st_mode));
    CHECK(look(root + "/empty").st_size == 0);
    CHECK_FALSE(there(root + "/dev/null"));
    CHECK(there(root + "/dev"));
    CHECK(read_file(root + "/home/" + std::string(150, 'x') + "/ü") == "long");
}

TEST_CASE("only what is left of all layers is written, each file from its own") {
    const TempFolder top;
    const auto root = top.file("rootfs");
    const std::string large(3 << 20, 'l');
    unpack({TarText().file("etc/a", "old").file("etc/b", large).file("gone/x", "x").whole(), TarText().whiteout(".wh.gone").file("etc/a", "new").whole(), "",
            packed_with("gzip", TarText().file("etc/c", "packed").whole()), packed_with("zstd", TarText().file("etc/d", "too").hard_link("etc/e", "etc/b").whole())},
           root);
    CHECK(read_file(root + "/etc/a") == "new");
    CHECK(read_file(root + "/etc/b") == large);
    CHECK(read_file(root + "/etc/c") == "packed");
    CHECK(read_file(root + "/etc/d") == "too");
    CHECK(look(root + "/etc/e").st_ino == look(root + "/etc/b").st_ino);
    CHECK_FALSE(there(root + "/gone"));
    CHECK_FALSE(there(root + "/.wh.gone"));
}

TEST_CASE("an image that would write elsewhere is refused, and writes nothing") {
    const TempFolder other;
    const auto target = other.file("target");
    for (const auto& tar : {
             TarText().link("x", other.path()).file("x/target", "broken out"),
             TarText().link("x", "..").file("x/target", "broken out"),
             TarText().file("../target", "broken out"),
             TarText().file("a/../../target", "broken out"),
             TarText().file(target, "broken out"),
             TarText().link("x", target).file("x", "first").hard_link("y", target),
             TarText().hard_link("y", "/etc/shadow"),
             TarText().link("x", "/etc").hard_link("y", "x/shadow"),
             TarText().pax_file("../target", "broken out"),
         }) {
        CHECK_FALSE(refused({tar.whole()}).empty());
        CHECK_FALSE(there(target));
        CHECK_FALSE(there(std::filesystem::temp_directory_path() / "target"));
    }
    // A file in the place of a link is that file, and not what the link means.
    unpack({TarText().link("x", target).whole(), TarText().file("x", "a file").whole()}, other.file("rootfs"));
    CHECK(read_file(other.file("rootfs/x")) == "a file");
    CHECK_FALSE(there(target));
}

TEST_CASE("a layer that is cut off anywhere is told, or has lost only what stood at its end") {
    const auto whole = TarText().folder("bin").file("bin/sh", std::string(700, 's')).link("lib", "bin").whole();
    for (std::size_t size = 1; size < whole.size(); size += 131) {
        INFO(size);
        const TempFolder top;
        const auto text = raised([&] { unpack({whole.substr(0, size)}, top.file("rootfs")); });
        CHECK((!text.empty() || (size % 512 == 0 || size > 2560)));
        if (!text.empty()) CHECK(text.starts_with("1: layer 1 of 1: it cannot be read: "));
    }
}

TEST_CASE("a layer of other bytes than the image says is refused") {
    const auto layer = TarText().file("a", "1").whole();
    const auto open = [&layer] { return std::make_unique<TextBytes>(layer); };
    const TempFolder top;
    unpack_layers({{open, digest_of(layer)}}, top.file("good"), {});
    const auto other = digest_of(layer + "x");
    CHECK(raised([&] { unpack_layers({{open, other}}, top.file("bad"), {}); }) == "1: layer 1 of 1: its content has digest " + digest_of(layer) + ", and the image says " + other);
    CHECK_FALSE(there(top.file("bad")));
    // Of the plain tar, packed or not, and with what stands behind its end.
    const auto padded = layer + std::string(9000, '\0');
    const auto packed = packed_with("gzip", padded);
    unpack_layers({{[&packed] { return std::make_unique<TextBytes>(packed); }, digest_of(padded)}}, top.file("padded"), {});
    CHECK(read_file(top.file("padded/a")) == "1");
}

TEST_CASE("what is no layer is told in words") {
    CHECK(refused({"not a tar at all, but longer than a header's magic" + std::string(600, '.')}).starts_with("1: layer 1 of 1: it cannot be read: "));
    CHECK(refused({std::string("\xFD" "7zXZ\0", 6) + "…"}) == "1: layer 1 of 1: it is packed with xz or bzip2");
    CHECK(refused({TarText().file("a", "").whole(), std::string("\x1F\x8B\x08\x00 broken", 11)}).starts_with("1: layer 2 of 2: it cannot be read: "));
    // A size that the tar does not have.
    CHECK_FALSE(refused({TarText().entry("a", '0', "", "x", 0644, 1 << 20).whole()}).empty());
    CHECK(refused({TarText().entry("a", '0', "", "", 0644, 070000000000).without_end()}).find("1: ") == 0);
}

TEST_CASE("a layer that is another one at the second reading is refused") {
    const auto first = TarText().file("a", "1").whole();
    const auto second = TarText().file("b", "1").whole();
    int opened = 0;
    const TempFolder top;
    const auto open = [&] { return std::make_unique<TextBytes>(opened++ == 0 ? first : second); };
    CHECK(raised([&] { unpack_layers({{open, ""}}, top.file("rootfs"), {}); }) == "1: layer 1 of 1: it changed while it was read");
}

TEST_CASE("bytes beyond the limit are told, whatever they are packed as") {
    const std::string zeros(1 << 20, '\0');
    TextBytes source(zeros);
    Counted counted(source, zeros.size() - 1);
    CHECK(raised([&] { counted.digest_of_all(); }) == "1: it unpacks to more than 64 GiB");
}
