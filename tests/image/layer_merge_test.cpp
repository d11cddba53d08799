#include "controllers/image/layer_merge.h"

#include "tests/state/raised.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <functional>
#include <memory>
#include <random>

using namespace bottle;

namespace {

using Kind = TarEntry::Kind;
using Layer = std::vector<TarEntry>;

TarEntry entry(Kind kind, const std::string& path, const std::string& target = {}) {
    TarEntry made;
    made.kind = kind;
    made.path = path;
    made.target = target;
    made.mode = kind == Kind::Folder ? 0750 : 0640;
    made.size = kind == Kind::File ? 1 : 0;
    return made;
}
TarEntry folder(const std::string& path) { return entry(Kind::Folder, path); }
TarEntry file(const std::string& path) { return entry(Kind::File, path); }
TarEntry link_to(const std::string& path, const std::string& target) { return entry(Kind::Link, path, target); }
TarEntry hard_link(const std::string& path, const std::string& target) { return entry(Kind::HardLink, path, target); }

/// "bin/ bin/sh=0.1 lib->usr": a path a word, a file with its layer and entry.
std::string told(const std::vector<Layer>& layers) {
    std::string text;
    for (const auto& [path, merged] : merge_layers(layers).entries) {
        text += text.empty() ? path : " " + path;
        switch (merged.entry.kind) {
            case Kind::Folder: text += "/"; break;
            case Kind::File: text += fmt::format("={}.{}", merged.content.layer, merged.content.index); break;
            case Kind::Link: text += "->" + merged.entry.target; break;
            case Kind::Fifo: text += "|"; break;
            default: text += "?";
        }
    }
    return text;
}

std::string refused(const std::vector<Layer>& layers) {
    return raised([&] { merge_layers(layers); });
}

}  // namespace

TEST_CASE("one layer is its own entries, and the folders above them") {
    CHECK(told({{folder("./"), folder("./bin/"), file("./bin/sh"), link_to("lib", "usr/lib")}}) == "bin/ bin/sh=0.2 lib->usr/lib");
    CHECK(told({{file("a/b/c")}}) == "a/ a/b/ a/b/c=0.0");
    const auto tree = merge_layers({{folder("."), file("a/b")}});
    CHECK(tree.top.mode == 0750);
    CHECK(tree.entries.at("a").entry.mode == 0755);
    CHECK(merge_layers({{file("a")}}).top.mode == 0755);
    CHECK(told({}).empty());
    CHECK(told({{}, {}}).empty());
}

TEST_CASE("a later layer replaces, and folders of both are one") {
    CHECK(told({{folder("etc"), file("etc/a"), file("etc/b")}, {folder("etc"), file("etc/b"), file("etc/c")}}) == "etc/ etc/a=0.1 etc/b=1.1 etc/c=1.2");
    CHECK(told({{folder("x"), file("x/a")}, {file("x")}}) == "x=1.0");
    CHECK(told({{file("x")}, {folder("x"), file("x/a")}}) == "x/ x/a=1.1");
    CHECK(told({{file("x")}, {file("x/a")}}) == "x/ x/a=1.0");
    CHECK(told({{file("a"), file("a")}}) == "a=0.1");
}

TEST_CASE("whiteouts take away what earlier layers have, wherever in their layer they stand") {
    const Layer base = {folder("d"), file("d/a"), file("d/b"), folder("d/sub"), file("d/sub/x"), file("da")};
    CHECK(told({base, {file("d/.wh.a")}}) == "d/ d/b=0.2 d/sub/ d/sub/x=0.4 da=0.5");
    CHECK(told({base, {file("d/.wh.sub")}}) == "d/ d/a=0.1 d/b=0.2 da=0.5");
    CHECK(told({base, {file(".wh.d")}}) == "da=0.5");
    CHECK(told({base, {file("d/new"), file("d/.wh..wh..opq")}}) == "d/ d/new=1.0 da=0.5");
    CHECK(told({base, {file("d/a"), file("d/.wh.a")}}) == "d/ d/a=1.0 d/b=0.2 d/sub/ d/sub/x=0.4 da=0.5");
    CHECK(told({base, {file(".wh..wh..opq"), file("only")}}) == "only=1.1");
    CHECK(told({base, {file(".wh.nothing"), file("d/.wh..wh.plnk")}}) == told({base}));
    CHECK(told({base, {file(".wh.d")}, {file("d/z")}}) == "d/ d/z=2.0 da=0.5");
}

TEST_CASE("a hard link is another name of a file, also of one that is gone since") {
    CHECK(told({{file("a"), hard_link("b", "./a")}}) == "a=0.0 b=0.0");
    CHECK(told({{file("a"), hard_link("b", "a")}, {file(".wh.a")}}) == "b=0.0");
    CHECK(told({{file("a")}, {hard_link("b", "a"), file("a")}}) == "a=1.1 b=0.0");
    CHECK(told({{link_to("a", "x"), hard_link("b", "a")}}) == "a->x b->x");
    CHECK(refused({{hard_link("b", "a")}}) == "1: b is a hard link to a, which is not there");
    CHECK(refused({{hard_link("b", "../etc/shadow")}}) == "1: ../etc/shadow leads up");
    CHECK(refused({{hard_link("b", "/etc/shadow")}}) == "1: /etc/shadow is an absolute path");
    CHECK(refused({{folder("a"), hard_link("b", "a")}}) == "1: b is a hard link to a folder");
}

TEST_CASE("no entry is behind a link") {
    CHECK(refused({{link_to("x", "/etc"), file("x/passwd")}}) == "1: x/passwd leads over x, which is no folder");
    CHECK(refused({{file("x"), file("x/passwd")}}) == "1: x/passwd leads over x, which is no folder");
    CHECK(refused({{link_to("x", ".."), link_to("x/y", ".."), file("x/y/z")}}) == "1: x/y leads over x, which is no folder");
    // Of an earlier layer: replaced, as Docker does.
    CHECK(told({{link_to("x", "/etc")}, {file("x/passwd")}}) == "x/ x/passwd=1.0");
    CHECK(told({{link_to("x", "/etc")}, {file("x/.wh.passwd")}}) == "x->/etc");
    CHECK(told({{link_to("x", "/etc")}, {file("x/.wh..wh..opq")}}) == "x->/etc");
}

TEST_CASE("what no builder writes is refused") {
    for (const auto& [path, why] : std::vector<std::pair<std::string, std::string>>{
             {"/etc/passwd", "/etc/passwd is an absolute path"},
             {"../x", "../x leads up"},
             {"a/../../x", "a/../../x leads up"},
             {".wh..", ".wh.. is a whiteout of nothing"},
             {"a/.wh...", "a/.wh... is a whiteout of nothing"},
             {".wh.", ".wh. is a whiteout of nothing"},
             {".wh.a/b", ".wh.a/b stands in a whiteout"},
             {std::string("a\0b", 3), "has a byte that no name has"},
         }) {
        INFO(path);
        CHECK(refused({{file(path)}}).find(why) != std::string::npos);
    }
    CHECK(refused({{file(std::string(300, 'n'))}}).find("has a name that is too long") != std::string::npos);
    std::string deep;
    for (std::size_t i = 0; i <= kMaxImageDepth; ++i) deep += "d/";
    CHECK(refused({{folder(deep)}}).find("is nested more than 128 deep") != std::string::npos);
    std::string wide;
    for (int i = 0; i < 30; ++i) wide += std::string(200, 'w') + "/";
    CHECK(refused({{folder(wide)}}).find("is too long") != std::string::npos);
    CHECK(refused({{file(".")}}).find("is in the place of the root folder") != std::string::npos);
    auto huge = file("huge");
    huge.size = kMaxImageBytes;
    CHECK(refused({{huge}}).empty());
    CHECK(refused({{huge}, {file("one")}}) == "1: it unpacks to more than 64 GiB");
    huge.size = UINT64_MAX;
    CHECK(refused({{file("one"), huge}}) == "1: it unpacks to more than 64 GiB");
    auto owned = file("owned");
    owned.uid = -1;
    CHECK(refused({{owned}}) == "1: owned has an owner that no system has");
    CHECK(told({{folder("/"), file("a")}}) == "a=0.1");
}

namespace {

/// The same in another way: a tree of folders that forget what a whiteout names.
struct Tree {
    std::map<std::string, std::unique_ptr<Tree>> beneath;
    std::string is = "/";  ///< of a file "=LAYER.ENTRY"

    Tree* folder(const std::string& name) {
        auto& at = beneath[name];
        if (!at || at->is != "/") at = std::make_unique<Tree>();
        return at.get();
    }
    std::string told(const std::string& path) const {
        std::string text;
        for (const auto& [name, tree] : beneath) {
            text += " " + path + name + tree->is;
            if (tree->is == "/") text += tree->told(path + name + "/");
        }
        return text;
    }
};

constexpr const char* kNames[] = {"a", "b", "c"};

std::string random_path(std::mt19937& random) {
    std::string path = kNames[random() % 3];
    for (auto depth = random() % 3; depth > 0; --depth) path += std::string("/") + kNames[random() % 3];
    return path;
}

Tree* folder_above(Tree& root, const std::string& path, bool make) {
    auto* at = &root;
    for (std::size_t begin = 0, slash = path.find('/'); slash != std::string::npos; begin = slash + 1, slash = path.find('/', begin)) {
        const auto name = path.substr(begin, slash - begin);
        const auto found = at->beneath.find(name);
        if (!make && (found == at->beneath.end() || found->second->is != "/")) return nullptr;
        at = at->folder(name);
    }
    return at;
}

}  // namespace

TEST_CASE("property: random layers make what a tree of folders makes of them") {
    std::mt19937 random(20);
    for (int round = 0; round < 3000; ++round) {
        std::vector<Layer> layers(1 + random() % 4);
        Tree root;
        for (std::size_t number = 0; number < layers.size(); ++number) {
            std::map<std::string, bool> used;  // true: a file
            for (auto count = random() % 6; count > 0; --count) {
                const auto path = random_path(random);
                const bool is_file = random() % 2 == 0;
                // In one layer nothing stands beneath a file, and nothing twice.
                const bool clash = std::any_of(used.begin(), used.end(), [&](const auto& other) {
                    return other.first == path || (other.second && path.starts_with(other.first + "/")) || (is_file && other.first.starts_with(path + "/"));
                });
                if (clash) continue;
                used[path] = is_file;
                layers[number].push_back(is_file ? file(path) : folder(path));
            }
            std::vector<std::string> hidden;
            for (auto count = random() % 3; count > 0; --count) hidden.push_back(random_path(random));
            for (const auto& path : hidden) {
                const auto slash = path.rfind('/') + 1;
                const bool opaque = random() % 3 == 0;
                layers[number].push_back(file(opaque ? path + "/.wh..wh..opq" : path.substr(0, slash) + ".wh." + path.substr(slash)));
                auto* above = folder_above(root, path, false);
                if (above == nullptr || above->beneath.count(path.substr(slash)) == 0) continue;
                if (opaque) above->beneath[path.substr(slash)]->beneath.clear();
                else above->beneath.erase(path.substr(slash));
            }
            std::size_t index = 0;
            for (const auto& added : layers[number]) {
                const auto place = index++;
                const auto slash = added.path.rfind('/') + 1;
                if (added.path.substr(slash).starts_with(".wh.")) continue;
                auto* above = folder_above(root, added.path, true);
                if (added.kind == Kind::Folder) above->folder(added.path.substr(slash));
                else (above->beneath[added.path.substr(slash)] = std::make_unique<Tree>())->is = fmt::format("={}.{}", number, place);
            }
        }
        const auto merged = told(layers);
        REQUIRE((merged.empty() ? "" : " " + merged) == root.told(""));
    }
}
