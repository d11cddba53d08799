#include "controllers/host/secret_reader.h"

#include "controllers/state/digest.h"
#include "tests/guest/temp_folder.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

using namespace bottle;

namespace {

constexpr const char* kCanary = "canary-4f1c7e'\"$(id)\\ `x`";

const std::map<std::string, std::string> kEnvironment = {{"HOME", "/home/me"}, {"API_TOKEN", kCanary}, {"EMPTY", ""}, {"PATH", "/evil"}, {"OTHER", "x"}};

/// The value in brackets; "absent"; or why it cannot be read.
std::string reading(const SecretSource& from) {
    SystemProcessRunner runner;
    const auto read = read_secret(from, kEnvironment, runner);
    CHECK((read.value.has_value() ? 1 : 0) + (read.absent ? 1 : 0) + (read.why.empty() ? 0 : 1) == 1);
    if (read.value) return fmt::format("[{}]", view_of(*read.value));
    return read.absent ? "absent" : read.why;
}

std::string of_shell(const std::string& script) {
    return reading(SecretCommand{{"/bin/sh", "-c", script}});
}

KeyedDigest digest() {
    return [](std::string_view text) { return hmac_sha256_hex("key", text); };
}

}  // namespace

TEST_CASE("a variable is a secret's value as it is") {
    CHECK(reading(SecretVariable{"API_TOKEN"}) == fmt::format("[{}]", kCanary));
    CHECK(reading(SecretVariable{"NOTHING"}) == "absent");
    CHECK(reading(SecretVariable{"EMPTY"}) == "it is empty");
}

TEST_CASE("a file is one of ours that nobody else may read") {
    const TempFolder top;
    const auto path = top.file("token");
    CHECK(reading(SecretFile{path}) == "absent");
    CHECK(reading(SecretFile{top.file("no/folder")}) == "absent");
    write_file(path, std::string(kCanary) + "\n\n");
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    CHECK(reading(SecretFile{path}) == fmt::format("[{}\n]", kCanary));
    for (const auto mode : {0640, 0604, 0660, 0602}) {
        INFO(mode);
        REQUIRE(chmod(path.c_str(), static_cast<mode_t>(mode)) == 0);
        CHECK(reading(SecretFile{path}).find(path + " can be ") == 0);
    }
    REQUIRE(chmod(path.c_str(), 0400) == 0);
    CHECK(reading(SecretFile{path}).front() == '[');
    if (geteuid() == 0) {
        REQUIRE(chown(path.c_str(), 65534, 0) == 0);
        CHECK(reading(SecretFile{path}) == path + " belongs to uid 65534, not to us");
        REQUIRE(chown(path.c_str(), 0, 0) == 0);
    }
    std::filesystem::create_symlink(path, top.file("link"));
    CHECK(reading(SecretFile{top.file("link")}) == top.file("link") + " is a link");
    CHECK(reading(SecretFile{top.path()}).find("is no regular file") != std::string::npos);
    std::filesystem::create_directory(top.file("open"));
    REQUIRE(chmod(top.file("open").c_str(), 0777) == 0);
    std::filesystem::copy_file(path, top.file("open/token"));
    CHECK(reading(SecretFile{top.file("open/token")}).find("could exchange it") != std::string::npos);
}

TEST_CASE("what a value may be") {
    const TempFolder top;
    const auto path = top.file("token");
    const auto of = [&](const std::string& text) {
        write_file(path, text);
        REQUIRE(chmod(path.c_str(), 0600) == 0);
        return reading(SecretFile{path});
    };
    CHECK(of("") == "it is empty");
    CHECK(of("\n") == "it is empty");
    CHECK(of(std::string("a\0b", 3)) == "it has a NUL in it, which no variable can have");
    CHECK(of("\xFF\xFE\r\n") == "[\xFF\xFE\r]");
    CHECK(of(std::string(65536, 'x')).size() == 65538);
    CHECK(of(std::string(65536, 'x') + "\n").size() == 65538);
    CHECK(of(std::string(65537, 'x')) == "it has more than 65536 bytes");
    CHECK(of(std::string(1 << 20, 'x')).find("more than 6553") != std::string::npos);
}

TEST_CASE("a command is run with nothing but HOME and a PATH of the system's, and what it prints on a failure is not told") {
    CHECK(of_shell("printf '%s\\n' 'a b'") == "[a b]");
    CHECK(of_shell("env | sort | grep -v '^_=\\|^PWD=\\|^SHLVL=\\|^OLDPWD='") == "[HOME=/home/me\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin]");
    CHECK(of_shell("cat; pwd") == "[/]");
    CHECK(of_shell("echo canary; echo canary >&2; exit 3") == "its command exited with 3");
    CHECK(of_shell("echo canary; kill -9 $$") == "its command was killed by signal 9");
    CHECK(of_shell("head -c 100000 /dev/zero | tr '\\0' x") == "its command wrote more than it may and was killed");
    CHECK(of_shell("true") == "it is empty");
    CHECK(reading(SecretCommand{{"/nonexistent/pass"}}).find("its command could not be started: ") == 0);
}

TEST_CASE("a source is asked once, and again only when its value was used up") {
    const TempFolder top;
    SecretPolicies policies;
    policies["token"] = {{}, SecretCommand{{"/bin/sh", "-c", "echo x >> " + top.file("calls") + "; wc -l < " + top.file("calls")}}, {}, {}};
    policies["same"] = {{}, SecretCommand{{"/bin/sh", "-c", "echo 1"}}, {}, {}};
    policies["gone"] = {{}, SecretVariable{"NOTHING"}, {}, {}};
    policies["bad"] = {{}, SecretCommand{{"/bin/false"}}, {}, {}};
    SystemProcessRunner runner;
    SecretReader reader(policies, kEnvironment, runner);

    const auto first = reader.fingerprint("token", digest());
    REQUIRE(first.present());
    CHECK(first->size() == 64);
    CHECK(reader.fingerprint("token", digest()) == first);
    CHECK(reader.fingerprint("same", digest()) != first);
    SecretBytes script;
    CHECK(reader.append_line("token", "API_TOKEN", digest(), script).fingerprint == *first);
    CHECK(view_of(script) == "API_TOKEN='1'\n");
    reader.forget({"token", "never asked"});
    CHECK(reader.fingerprint("token", digest()) == first);
    CHECK(reader.append_line("token", "API_TOKEN", digest(), script).fingerprint != *first);
    CHECK(view_of(script) == "API_TOKEN='1'\nAPI_TOKEN='2'\n");

    CHECK(reader.fingerprint("gone", digest()).absent());
    CHECK(reader.append_line("gone", "X", digest(), script).problem == "it is not there");
    CHECK(reader.fingerprint("bad", digest()).why() == "its command exited with 1");
    CHECK(reader.append_line("bad", "X", digest(), script).problem == "its command exited with 1");
}

TEST_CASE("a value comes through a shell as it is") {
    SecretPolicies policies;
    SystemProcessRunner runner;
    for (const std::string value : {kCanary, "'", "''", "a\nb\n", "\\", "$HOME", "!x", "\xFF", "-n", " ", "a'b'\\''c"}) {
        policies["token"] = {{}, SecretVariable{"V"}, {}, {}};
        const std::map<std::string, std::string> environment = {{"V", value}};
        SecretReader reader(policies, environment, runner);
        SecretBytes script;
        CHECK(reader.append_line("token", "V", digest(), script).problem.empty());
        ProcessRequest request;
        request.argv = {"/bin/sh", "-s"};
        request.input = std::string(view_of(script)) + "printf '%s' \"$V\"\n";
        CHECK(runner.run(request).out == value);
    }
}

TEST_CASE("who has read a secret leaves no core, and cannot be looked into by another of its user") {
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        SecretPolicies policies;
        policies["token"] = {{}, SecretVariable{"API_TOKEN"}, {}, {}};
        SystemProcessRunner runner;
        SecretReader reader(policies, kEnvironment, runner);
        const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
        setrlimit(RLIMIT_CORE, &all);
        reader.fingerprint("token", digest());
        rlimit now{};
        getrlimit(RLIMIT_CORE, &now);
        const bool closed = prctl(PR_GET_DUMPABLE) == 0 && now.rlim_cur == 1 && now.rlim_max == 1;
        if (!closed) _exit(1);
        abort();
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK_FALSE(WCOREDUMP(status));
}

TEST_CASE("a text that held a secret is overwritten whole") {
    std::string text(200, 's');
    text.resize(50);
    const char* before = text.data();
    wipe(text);
    CHECK(text.empty());
    // An emptied string keeps its buffer: what stands in that is the question.
    const bool is_zero = std::all_of(before, before + 200, [](char c) { return c == '\0'; });  // NOLINT(clang-analyzer-cplusplus.InnerPointer)
    CHECK(is_zero);
}
