#include "controllers/guest/workload.h"
#include "controllers/guest/guest_controller.h"
#include "controllers/guest/guest_files.h"
#include "controllers/guest/invocation.h"
#include "tests/guest/temp_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

using namespace bottle;

namespace {

/// Waits for something that another process does; a minute is "never".
bool becomes_true(const std::function<bool()>& what) {
    for (int i = 0; i < 3000; ++i) {
        if (what()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

struct World {
    TempFolder folder;
    LaunchRequest request;

    /// `script`: what the stand-in for smolvm does; it sees smolvm's arguments.
    explicit World(const std::string& script) {
        write_file(folder.file("smolvm"), "#!/bin/sh\n" + script + "\n");
        std::filesystem::permissions(folder.file("smolvm"), std::filesystem::perms::owner_all);
        request.state_folder = folder.path();
        request.program = WORKLOAD_STANDIN;
        request.keeper.smolvm = {folder.file("smolvm"), {"PATH=/usr/bin:/bin", "OUT=" + folder.path()}, "bottle-docs"};
        request.keeper.workload = {{"agent", "--flag", "a b"}, {{"EDITOR", "vi"}, {"TOKEN", "s3cret value"}}, "node", {}};
        request.keeper.record = {4711, 99, "digest", 0, {}, std::nullopt};
    }

    template <class State>
    bool is() const {
        Observation<ObservedWorkload> seen = observe_workload(folder.path());
        return seen.present() && std::holds_alternative<State>(seen->state);
    }
    int exit_code() const { return std::get<WorkloadExited>(observe_workload(folder.path())->state).code; }
    std::int64_t keeper() const { return std::get<WorkloadRunning>(observe_workload(folder.path())->state).pid; }
    std::string log() const { return read_file(folder.file("workload.log")); }
};

}  // namespace

TEST_CASE("a workload runs, is seen running, and its exit code stays") {
    World world(
        R"(for a in "$@"; do echo "[$a]"; done; env | grep BOTTLE_GUEST; echo to-stderr >&2; while [ ! -e "$OUT/go" ]; do sleep 0.05; done; exit 7)");
    CHECK(observe_workload(world.folder.path()).absent());
    Outcome outcome = launch(world.request);
    INFO(outcome.text);
    REQUIRE(outcome.kind == Outcome::Kind::Done);
    Observation<ObservedWorkload> seen = observe_workload(world.folder.path());
    REQUIRE(seen.present());
    CHECK(seen->vmm_pid == 4711);
    CHECK(seen->vmm_start_time == 99);
    CHECK(seen->spec_digest == "digest");
    REQUIRE(world.is<WorkloadRunning>());
    CHECK(getsid(static_cast<pid_t>(world.keeper())) != getsid(0));

    // No second one beside it.
    Outcome second = launch(world.request);
    CHECK(second.kind == Outcome::Kind::Failed);
    CHECK(second.text.find("another one") != std::string::npos);
    CHECK(world.is<WorkloadRunning>());

    REQUIRE(becomes_true([&] { return world.log().find("to-stderr") != std::string::npos; }));
    write_file(world.folder.file("go"), "");
    REQUIRE(becomes_true([&] { return world.is<WorkloadExited>(); }));
    CHECK(world.exit_code() == 7);
    CHECK(world.log().rfind("[machine]\n[exec]\n[--name]\n[bottle-docs]\n[--user]\n[node]\n[--stream]\n[--secret-env]"
                            "\n[EDITOR=BOTTLE_GUEST_ENV_0]\n"
                            "[--secret-env]\n[TOKEN=BOTTLE_GUEST_ENV_1]\n[--]\n[agent]\n[--flag]\n[a b]\n",
                            0) == 0);
    CHECK(world.log().find("BOTTLE_GUEST_ENV_1=s3cret value") != std::string::npos);
    CHECK(read_file(world.folder.file("workload.json")).find("s3cret") == std::string::npos);
    for (const char* name : {"workload.json", "workload.log", "workload.lock"}) {
        CHECK(std::filesystem::status(world.folder.file(name)).permissions() ==
              (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    }
    // And the next one takes its place.
    std::filesystem::remove(world.folder.file("go"));
    world.request.keeper.record.vmm_pid = 4712;
    REQUIRE(launch(world.request).kind == Outcome::Kind::Done);
    CHECK(world.is<WorkloadRunning>());
    CHECK(observe_workload(world.folder.path())->vmm_pid == 4712);
    write_file(world.folder.file("go"), "");
    REQUIRE(becomes_true([&] { return world.is<WorkloadExited>(); }));
}

TEST_CASE("a keeper that is killed leaves a lost workload, and smolvm's client dies with it") {
    World world("echo $$ > \"$OUT/pid.tmp\"; mv \"$OUT/pid.tmp\" \"$OUT/pid\"; exec sleep 600");
    REQUIRE(launch(world.request).kind == Outcome::Kind::Done);
    REQUIRE(becomes_true([&] { return std::filesystem::exists(world.folder.file("pid")); }));
    pid_t client = std::stoi(read_file(world.folder.file("pid")));
    CHECK(kill(client, 0) == 0);
    CHECK(kill(static_cast<pid_t>(world.keeper()), SIGKILL) == 0);
    CHECK(becomes_true([&] { return world.is<WorkloadLost>(); }));
    CHECK(becomes_true([&] { return kill(client, 0) != 0; }));
}

TEST_CASE("a client that is killed, or cannot be started, has an exit code") {
    World killed("kill -9 $$");
    REQUIRE(launch(killed.request).kind == Outcome::Kind::Done);
    REQUIRE(becomes_true([&] { return killed.is<WorkloadExited>(); }));
    CHECK(killed.exit_code() == 137);
    World missing("true");
    missing.request.keeper.smolvm.program = missing.folder.file("nothing");
    REQUIRE(launch(missing.request).kind == Outcome::Kind::Done);
    REQUIRE(becomes_true([&] { return missing.is<WorkloadExited>(); }));
    CHECK(missing.exit_code() == 127);
}

TEST_CASE("output is bounded: 8 MiB and the 8 MiB before") {
    World world("head -c 20000000 /dev/zero | tr '\\0' x; echo last");
    REQUIRE(launch(world.request).kind == Outcome::Kind::Done);
    REQUIRE(becomes_true([&] { return world.is<WorkloadExited>(); }));
    CHECK(std::filesystem::file_size(world.folder.file("workload.log")) <= (8U << 20));
    CHECK(std::filesystem::file_size(world.folder.file("workload.log.1")) <= (8U << 20));
    CHECK(std::filesystem::file_size(world.folder.file("workload.log.1")) > (7U << 20));
    std::string log = world.log();
    CHECK(log.substr(log.size() - 6) == "xlast\n");
}

TEST_CASE("what cannot be kept is told, and nothing is left that looks launched") {
    World world("true");
    world.request.program = world.folder.file("nothing");
    CHECK(launch(world.request).kind == Outcome::Kind::Failed);
    CHECK(observe_workload(world.folder.path()).absent());
    world.request.program = WORKLOAD_STANDIN;
    world.request.state_folder = world.folder.file("no-such-folder");
    CHECK(launch(world.request).kind == Outcome::Kind::Failed);
    CHECK(observe_workload(world.request.state_folder).absent());
}

TEST_CASE("records that make no sense are unknown, never absent") {
    TempFolder folder;
    const std::string path = folder.file("workload.json");
    const std::string whole = to_text(WorkloadRecord{1, 2, "d", 3, {{"token", "print"}}, 4});
    REQUIRE(parse_record(whole) == WorkloadRecord{1, 2, "d", 3, {{"token", "print"}}, 4});
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("[1]"), whole.substr(0, whole.size() / 2),
          std::string("\xff\xfe"),
          std::string(R"({"vmm_pid":"1","vmm_start_time":2,"spec_digest":"d","keeper_pid":3})"),
          std::string(100'000, ' '), std::string(5000, '[')}) {
        write_file(path, text);
        CHECK(observe_workload(folder.path()).unknown());
    }
    write_file(path, whole);
    CHECK(observe_workload(folder.path()).present());
    std::filesystem::rename(path, folder.file("elsewhere"));
    std::filesystem::create_symlink(folder.file("elsewhere"), path);
    CHECK(observe_workload(folder.path()).unknown());
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    CHECK(observe_workload(folder.path()).unknown());
}

TEST_CASE("requests pass whole, and a damaged one is refused") {
    KeeperRequest request{
        {"/s", {"A=b"}, "m", false, false, false}, {{"c", "d e"}, {{"K", "v\n\"w"}}, "node", {{"T", "token"}}}, "/dev/shm/f", {1, 2, "d", 0, {{"token", "print"}}, std::nullopt}};
    std::string text = to_text(request);
    std::optional<KeeperRequest> read = parse_request(text);
    REQUIRE(read);
    CHECK(to_text(*read) == text);
    CHECK(read->workload.env.at("K") == "v\n\"w");
    CHECK_FALSE((read->smolvm.exec_user || read->smolvm.exec_input_ends || read->smolvm.secret_env));
    CHECK_FALSE(parse_request(text.substr(0, text.size() - 2)));
    CHECK_FALSE(parse_request("{}"));
}

TEST_CASE("a secret comes by a file that only the command's shell reads, and which is gone then") {
    // smolvm's exec, as it runs a command of the guest on this host.
    World world(R"(for a in "$@"; do echo "[$a]" >> "$OUT/calls"; done; env >> "$OUT/calls"; while [ "$1" != -- ]; do shift; done; shift; exec "$@")");
    SystemProcessRunner runner;
    GuestController guest(runner);
    SecretBytes script;
    append(script, "API_TOKEN='canary\n two'\nOTHER='b\\c'\n");
    auto& keeper = world.request.keeper;
    REQUIRE(guest.place_secrets(keeper.smolvm, "node", script, keeper.secrets_file).kind == Outcome::Kind::Done);
    const std::filesystem::path file = keeper.secrets_file;
    CHECK(file.parent_path() == "/dev/shm");
    CHECK(read_file(file) == std::string(view_of(script)));
    CHECK(std::filesystem::status(file).permissions() == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    keeper.workload.command = {"/bin/sh", "-c", "printf '%s|%s|%s' \"$API_TOKEN\" \"$OTHER\" \"$*\"; test ! -e " + file.string() + "; exit $?", "sh", "a b", "c"};
    keeper.workload.secrets = {{"API_TOKEN", "api-token"}, {"OTHER", "other"}};
    keeper.record.secrets = {{"api-token", "fingerprint"}};
    REQUIRE(launch(world.request).kind == Outcome::Kind::Done);
    REQUIRE(becomes_true([&] { return world.is<WorkloadExited>(); }));
    CHECK(world.exit_code() == 0);
    CHECK(world.log() == "canary\n two|b\\c|a b c");
    CHECK(observe_workload(world.folder.path())->secrets == keeper.record.secrets);
    CHECK_FALSE(std::filesystem::exists(file));
    CHECK(read_file(world.folder.file("calls")).find("canary") == std::string::npos);
    CHECK(read_file(world.folder.file("workload.json")).find("canary") == std::string::npos);
}

TEST_CASE("without its secrets a command is not started, and a file that was there before is not written to") {
    World world(R"(while [ "$1" != -- ]; do shift; done; shift; exec "$@")");
    auto& keeper = world.request.keeper;
    keeper.workload.command = {"/bin/sh", "-c", "echo started"};
    keeper.secrets_file = world.folder.file("nothing");
    REQUIRE(launch(world.request).kind == Outcome::Kind::Done);
    REQUIRE(becomes_true([&] { return world.is<WorkloadExited>(); }));
    CHECK(world.exit_code() != 0);
    CHECK(world.log().find("started") == std::string::npos);

    SystemProcessRunner runner;
    ProcessRequest request;
    write_file(world.folder.file("before"), "theirs");
    request.argv = place_command(world.folder.file("before"), "token");
    request.input = "A='canary'\n";
    CHECK_FALSE(runner.run(request).succeeded());
    CHECK(read_file(world.folder.file("before")) == "theirs");
}

TEST_CASE("where the secrets do not come into the guest, nothing of what was said there is told") {
    World world("cat; echo canary >&2; exit 1");
    SystemProcessRunner runner;
    GuestController guest(runner);
    SecretBytes script;
    append(script, "A='canary'\n");
    std::string path;
    const auto outcome = guest.place_secrets(world.request.keeper.smolvm, "", script, path);
    CHECK(outcome.kind == Outcome::Kind::Failed);
    CHECK(outcome.text == "the secrets did not come into the guest: smolvm's exec exited with 1");
}

TEST_CASE("without exec --user, the image's su changes the user") {
    KeeperRequest request{{"/s", {}, "m", false}, {{"c", "--d"}, {}, "node", {}}, {}, {}};
    CHECK(workload_command(request).argv == std::vector<std::string>{"/s", "machine", "exec", "--name", "m", "--stream",
                                                                     "--", "su", "-s", "/bin/sh", "-c", "exec \"$@\"",
                                                                     "--", "node", "sh", "c", "--d"});
    request.workload.user = "root";
    CHECK(workload_command(request).argv ==
          std::vector<std::string>{"/s", "machine", "exec", "--name", "m", "--stream", "--", "c", "--d"});
}

TEST_CASE("where smolvm lets a command wait for its input, the image's sh ends that, and only of a command that may read") {
    SmolvmInvocation smolvm{"/s", {}, "m", true, false};
    const auto words = [&](const ExecOptions& options) {
        const auto argv = exec_command(smolvm, options, {"c", "--d"}).argv;
        return std::vector<std::string>(std::next(std::find(argv.begin(), argv.end(), "--")), argv.end());
    };
    CHECK(words({}) == std::vector<std::string>{"c", "--d"});
    ExecOptions ends;
    ends.ends_input = true;
    CHECK(words(ends) == std::vector<std::string>{"sh", "-c", "exec \"$@\" </dev/null", "sh", "c", "--d"});
    smolvm.exec_user = false;
    auto as_node = ends;
    as_node.user = "node";
    CHECK(words(as_node) == std::vector<std::string>{"su", "-s", "/bin/sh", "-c", "exec \"$@\" </dev/null", "--", "node", "sh", "c", "--d"});
    smolvm.exec_input_ends = true;
    CHECK(words(ends) == std::vector<std::string>{"c", "--d"});
}

TEST_CASE("a workload has ended when smolvm's client has, whoever still could write to its log") {
    World world("echo said; sleep 300 & echo $! > \"$0.left\"; exit 3");
    REQUIRE(launch(world.request).kind == Outcome::Kind::Done);
    CHECK(becomes_true([&] { return world.is<WorkloadExited>(); }));
    CHECK(world.log() == "said\n");
    const auto left = std::stoi(read_file(world.folder.file("smolvm.left")));
    CHECK(kill(left, SIGKILL) == 0);
    CHECK(world.exit_code() == 3);
}

TEST_CASE("exec in the foreground passes exit codes and signals") {
    World world(
        "echo \"$@\" > \"$0.args\"; trap 'exit 42' TERM; touch \"$0.up\"; if [ -e \"$0.wait\" ]; then while :; do "
        "sleep 0.05; done; fi; exit 9");
    auto start = [&] {
        pid_t child = fork();
        if (child == 0) {
            std::string smolvm = world.folder.file("smolvm");
            execl(WORKLOAD_STANDIN, WORKLOAD_STANDIN, "exec", smolvm.c_str(), "node", "ls", "-l",
                  static_cast<char*>(nullptr));
            _exit(99);
        }
        return child;
    };
    auto code_of = [](pid_t child) {
        int status = 0;
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    };
    CHECK(code_of(start()) == 9);
    CHECK(read_file(world.folder.file("smolvm.args")) == "machine exec --name m --user node --stream -- ls -l\n");
    std::filesystem::remove(world.folder.file("smolvm.up"));
    write_file(world.folder.file("smolvm.wait"), "");
    pid_t child = start();
    REQUIRE(becomes_true([&] { return std::filesystem::exists(world.folder.file("smolvm.up")); }));
    CHECK(kill(child, SIGTERM) == 0);
    CHECK(code_of(child) == 42);
}
