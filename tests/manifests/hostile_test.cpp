#include "tests/manifests/manifest_file.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

using namespace bottle;

namespace {

struct Hostile {
    const char* name;
    std::string text;
    const char* place;  ///< the first problem's
    const char* says;   ///< and what its text must hold
};

std::string nested(const std::string& open, int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += open;
    return text;
}

std::string alias_bomb() {
    std::string text = "a: &a [x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c <= 'i'; ++c) {
        text += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 9; ++i) text += std::string("*") + static_cast<char>(c - 1) + (i < 8 ? ", " : "]\n");
    }
    return text;
}

std::vector<Hostile> hostile_manifests() {
    const auto with_machine = [](const std::string& machine) { return manifest_text({.machine = machine}); };
    const auto with_agent = [](const std::string& agent) { return manifest_text({.agent = agent}); };
    const auto with_container = [](const std::string& container) { return manifest_text({.container = container}); };
    return {
        {"an empty file", "", "bottle.yaml:1:1", "no document"},
        {"only comments", "# nothing\n", "bottle.yaml:1:1", "no document"},
        {"a scalar", "hello\n", "bottle.yaml:1:1", "is not a mapping"},
        {"a list", "- a\n- b\n", "bottle.yaml:1:1", "is not a mapping"},
        {"a duplicate key", "apiVersion: bottle/v1\nkind: Bottle\nkind: Bottle\n", "bottle.yaml:3:1", "stands here twice"},
        {"a duplicate key in flow", with_machine("image: {rootfs: rootfs, rootfs: other}"), "bottle.yaml:7:29", "stands here twice"},
        {"a duplicate key that differs by quotes", "apiVersion: bottle/v1\n\"apiVersion\": bottle/v1\n", "bottle.yaml:2:1", "stands here twice"},
        {"an anchor", "apiVersion: &v bottle/v1\n", "bottle.yaml:1:", "anchors"},
        {"an alias bomb", alias_bomb(), "bottle.yaml:1:", "anchors"},
        {"an alias to itself", "a: &a [*a]\n", "bottle.yaml:1:", "anchors"},
        {"an alias without an anchor", "a: *nobody\n", "bottle.yaml:1:4", "no YAML"},
        {"a merge key", "apiVersion: bottle/v1\n<<: {kind: Bottle}\n", "bottle.yaml:2:1", "merge keys"},
        {"a tag", "apiVersion: !!str bottle/v1\n", "bottle.yaml:1:", "tags"},
        {"a tag that runs code elsewhere", "apiVersion: !!python/object/apply:os.system [id]\n", "bottle.yaml:1:", "tags"},
        {"a directive", "%YAML 1.1\n---\napiVersion: bottle/v1\n", "bottle.yaml:1:1", "directives"},
        {"a document end", "apiVersion: bottle/v1\n...\ngarbage\n", "bottle.yaml:2:1", "document ends"},
        {"too many open brackets", "a: " + nested("[", 100000), "bottle.yaml:1:", ""},
        {"too deep a mapping", nested("{a: ", 100000), "bottle.yaml:1:", ""},
        {"depth 65", "a: " + nested("[", 65) + std::string(65, ']'), "bottle.yaml:1:", "nested deeper than 64"},
        {"a thousand thousand values", "a: [" + nested("1,", 30000) + "1]\n", "bottle.yaml:1:", "more than 20000 values"},
        {"a value of 5000 bytes", with_machine("image: {rootfs: " + std::string(5000, 'a') + "}"), "bottle.yaml:7:21", "longer than 4096"},
        {"more than 1 MiB", std::string(1 << 20, '#') + "\n", "bottle.yaml:", "more than 1 MiB"},
        {"NUL", std::string("apiVersion: bottle/v1\nkind: \0\n", 30), "bottle.yaml:2:7", "not allowed here"},
        {"bad UTF-8", "apiVersion: \xC3\x28\n", "bottle.yaml:1:13", "no UTF-8"},
        {"a surrogate", "apiVersion: \xED\xA0\x80\n", "bottle.yaml:1:13", "no UTF-8"},
        {"an overlong slash", "apiVersion: bottle\xC0\xAFv1\n", "bottle.yaml:1:19", "no UTF-8"},
        {"an escape sequence for terminals", "apiVersion: \x1B[31mbottle/v1\n", "bottle.yaml:1:13", "not allowed here"},
        {"a mark that turns text round", "apiVersion: bottle/v1 # \xE2\x80\xAE\n", "bottle.yaml:1:25", "cannot be seen"},
        {"a carriage return alone", "apiVersion: bottle/v1\rkind: Bottle\n", "bottle.yaml:1:22", "carriage return"},
        {"a tab in the indentation", "metadata:\n\tname: docs\n", "bottle.yaml:2:1", "tab"},
        {"an unterminated double quote", "apiVersion: \"bottle/v1\nkind: Bottle\n", "bottle.yaml:1:13", "no end"},
        {"an unterminated single quote", "apiVersion: 'bottle/v1\nkind: Bottle\n", "bottle.yaml:1:13", "no end"},
        {"an unclosed bracket", "apiVersion: [bottle\n", "bottle.yaml:", "no YAML"},
        {"a key that is a list", "? [a]\n: b\n", "bottle.yaml:1:3", "plain text"},
        {"an empty key", "\"\": b\n", "bottle.yaml:1:1", "key is empty"},
        {"an unknown key with a near one", "apiversion: bottle/v1\n", "bottle.yaml:1:1", "missing"},
        {"Cyrillic letters in a key", "\xD0\xB0piVersion: bottle/v1\n", "bottle.yaml:1:1", "missing"},
        {"no for a truth value", manifest_text({.more = "    externalNetwork: no\n"}), "bottle.yaml:14:22", "truth value"},
        {"Yes for a text", with_machine("user: Yes\n    image: {rootfs: rootfs}"), "bottle.yaml:7:11", "truth value"},
        {"an octal number", with_machine("cpus: 010\n    image: {rootfs: rootfs}"), "bottle.yaml:7:11", "number"},
        {"a hexadecimal number", with_machine("cpus: 0x2\n    image: {rootfs: rootfs}"), "bottle.yaml:7:11", "number"},
        {"a number with underscores", with_machine("cpus: 1_0\n    image: {rootfs: rootfs}"), "bottle.yaml:7:11", "number"},
        {"a sexagesimal number", with_machine("cpus: 22:22\n    image: {rootfs: rootfs}"), "bottle.yaml:7:11", "number"},
        {"infinity", with_container("image: a:1\n        limits: {cpus: .inf}"), "bottle.yaml:14:24", "number"},
        {"a number beyond 64 bits", with_machine("cpus: 99999999999999999999\n    image: {rootfs: rootfs}"), "bottle.yaml:7:11", "too large"},
        {"a name that is an option", manifest_text({.name = "\"--privileged\""}), "bottle.yaml:4:9", "not allowed"},
        {"a name with a line feed", manifest_text({.name = "\"docs\\nx\""}), "bottle.yaml:4:9", "not allowed"},
        {"a root file system above the folder", with_machine("image: {rootfs: ../..}"), "bottle.yaml:7:21", "leads out"},
        {"an absolute root file system", with_machine("image: {rootfs: /etc}"), "bottle.yaml:7:21", "leads out"},
        {"a root file system that is not there", with_machine("image: {rootfs: nowhere}"), "bottle.yaml:7:21", "there is no folder"},
        {"a capability that opens the host", with_container("image: a:1\n        capabilities: [SYS_ADMIN]"), "bottle.yaml:14:24", "out of its bundle"},
        {"an image that is an option", with_container("image: --rm"), "bottle.yaml:13:16", "not allowed"},
        {"a folder with parents", with_container("image: a:1\n        tmpfs: [/tmp/../etc]"), "bottle.yaml:14:17", "no absolute folder"},
        {"a variable that has no name", with_agent("command: [a]\n    env: {\"A=B\": c}"), "bottle.yaml:10:11", "no name"},
        {"a proxy of its own", with_agent("command: [a]\n    env: {HTTP_PROXY: \"http://10.0.0.1\"}"), "bottle.yaml:10:11", "set by bottle itself"},
    };
}

}  // namespace

TEST_CASE("each hostile manifest gets one clear error with a place") {
    const auto manifests = hostile_manifests();
    REQUIRE(manifests.size() >= 40);
    for (const auto& hostile : manifests) {
        INFO(hostile.name);
        const auto error = ManifestFile(hostile.text).error();
        INFO(error);
        CHECK(error.rfind(hostile.place, 0) == 0);
        CHECK(error.substr(0, error.find('\n')).find(hostile.says) != std::string::npos);
        // No byte of the file reaches a terminal as it is, and no error is a page long.
        CHECK(std::none_of(error.begin(), error.end(), [](unsigned char c) { return c < 0x20 && c != '\n' && c != '\t'; }));
        CHECK(error.size() < 4096);
    }
}

TEST_CASE("a manifest that is no regular file is refused without waiting for it") {
    for (const std::string path : {"/dev/zero", "/dev/null", "/nowhere/at/all"}) {
        std::istringstream none;
        CHECK_THROWS_AS(load_manifests({path}, none), Error);
    }
}
