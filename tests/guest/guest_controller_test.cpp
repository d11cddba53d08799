#include "controllers/guest/guest_controller.h"
#include "controllers/guest/listeners.h"
#include "controllers/guest/socket_table.h"
#include "reconciler/guest_evidence.h"
#include "tests/guest/loopback.h"
#include "tests/guest/temp_folder.h"

#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <set>
#include <sstream>

using namespace bottle;
using Guest = ProbeResult::Guest;

namespace {

ProcessResult exited(int code, const std::string& out = {}, const std::string& err = {}) {
    return {ProcessResult::End::Exited, code, out, err};
}

/// A stand-in for smolvm and the guest behind it: `machine cp` keeps the file, `machine exec` runs it or answers for
/// it.
class FakeSmolvm : public ProcessRunner {
public:
    std::function<ProcessResult(const std::vector<std::string>& command, const std::string& input)> guest;
    std::vector<std::vector<std::string>> calls;
    std::vector<ProcessRequest> requests;
    std::set<std::string> files;  ///< in the guest
    bool knows_mode = true;
    int failing_copies = 0;
    TempFolder guest_root;

    ProcessResult run(const ProcessRequest& request) override {
        calls.push_back(request.argv);
        requests.push_back(request);
        if (request.argv[2] == "cp") return copy(request.argv);
        auto dashes = std::find(request.argv.begin(), request.argv.end(), "--");
        std::vector<std::string> command(dashes + 1, request.argv.end());
        if (command.front() == "chmod") return exited(files.count(command.back()) == 1 ? 0 : 1);
        return guest(command, request.input);
    }

    /// Runs a command of the guest on this host: a guest with nothing between it and the host.
    ProcessResult run_here(std::vector<std::string> command, const std::string& input) {
        std::string path = command.front();
        if (files.count(path) == 0) return exited(255, "", "executable file not found");
        command.front() = guest_root.path() + path;
        ProcessRequest request;
        request.argv = command;
        request.input = input;
        ProcessResult result = SystemProcessRunner().run(request);
        if (!std::filesystem::exists(command.front())) files.erase(path);
        return result;
    }

private:
    ProcessResult copy(const std::vector<std::string>& argv) {
        bool mode = argv[3] == "--mode";
        if (mode && !knows_mode) return exited(2, "", "error: unexpected argument '--mode' found");
        if (failing_copies-- > 0) return exited(1, "", "Error: machine is not running");
        std::string to = argv.back().substr(argv.back().find(':') + 1);
        std::filesystem::copy_file(argv[argv.size() - 2], guest_root.path() + to,
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::permissions(guest_root.path() + to, std::filesystem::perms::owner_all);
        files.insert(to);
        return exited(0, "", "Uploading\n");
    }
};

struct World {
    FakeSmolvm smolvm;
    GuestController controller{smolvm};
    TempFolder vm_folder;
    TempFolder scratch;
    HostAddress host{"dummy", "127.0.0.6"};
    HostListener bundle{HostListener::Protocol::Tcp, "127.0.0.4", "hello\n"};
    ListenerLoop loop{{&bundle}};
    std::vector<Fd> held;  ///< the VMM's connections

    GuestScope scope() {
        GuestScope made;
        made.smolvm = {"/opt/smolvm", {"HOME=/h"}, "bottle-docs"};
        made.vm_folder = vm_folder.path();
        made.scratch_folder = scratch.path();
        made.around.bundle_address = "127.0.0.4";
        made.around.internal_gateway = "127.0.0.5";
        made.around.host_addresses = {host};
        made.around.ports = {{"egress", "proxy", bundle.port()}};
        made.vmm_uid = static_cast<std::int64_t>(geteuid());
        made.deadline = std::chrono::milliseconds(20'000);
        return made;
    }
    bool scratch_empty() const { return std::filesystem::is_empty(scratch.path()); }

    void dial_bundle() { held.push_back(connect_to("127.0.0.4", bundle.port())); }
};

struct Asked {
    std::string id, kind, address, name;
    int port = 0;
};

/// Answers a request as smolvm 1.32.2 with the /32 and closed names does, writing its log.
ProcessResult answer_closed(const std::string& input, const std::string& vm_folder) {
    std::istringstream lines(input);
    std::string word, nonce, out, log;
    int count = 0;
    lines >> word >> nonce;
    while (lines >> word && word == "target") {
        Asked one;
        lines >> one.id >> one.kind >> one.address >> one.port >> one.name;
        ++count;
        auto line = [&](const std::string& text) {
            log += "[2026-11-24T12:20:56Z]: egress policy denied " + text + "\n";
        };
        std::string outcome = "timed-out";
        bool six = one.address.find(':') != std::string::npos && one.address.find("::ffff:") != 0;
        std::string endpoint = fmt::format("{}:{}", one.address.substr(one.address.rfind(':') + 1), one.port);
        if (six)
            outcome = "unreachable";
        else if (one.kind == "bundle")
            outcome = "data";
        else if (one.kind == "tcp")
            outcome = "refused", line("connect to " + endpoint);
        else if (one.kind == "udp")
            line("sendto " + endpoint);
        else if (one.kind == "listen")
            outcome = "listening";
        else if (one.kind != "icmp")
            outcome = "nxdomain", line("resolve " + one.name);
        out += fmt::format("{} {} {} - -\n", nonce, one.id, outcome);
    }
    write_file(vm_folder + "/egress-denials.log", log, true);
    return exited(0, out + fmt::format("{} end {}\n", nonce, count), "note: no packed assets found\n");
}

/// The guest runs our program: it says ready, and `run` is answered by the given function.
auto answering(FakeSmolvm& smolvm, const std::function<ProcessResult(const std::string& input)>& run) {
    return [&smolvm, run](const std::vector<std::string>& command, const std::string& input) {
        if (command.size() == 2 && command[1] == "run") {
            smolvm.files.erase(command[0]);
            return run(input);
        }
        if (command.size() == 3 && command[1] == "remove") smolvm.files.erase(command[0]);
        return exited(0, command.back() + " ready\n");
    };
}

}  // namespace

TEST_CASE("a closed guest: everything holds, nothing stays behind") {
    World world;
    // A line of an earlier run must not count for this one.
    write_file(world.vm_folder.file("egress-denials.log"),
               "[2026-11-24T12:20:55Z]: egress policy denied icmp 1.2.3.4\n");
    world.smolvm.guest = answering(world.smolvm, [&](const std::string& input) {
        world.dial_bundle();
        return answer_closed(input, world.vm_folder.path());
    });
    GuestReading reading = world.controller.probe(world.scope());
    REQUIRE(reading.problem.empty());
    for (const Evidence& evidence : judge_guest(reading)) {
        INFO(evidence.reading);
        CHECK(evidence.verdict == Verdict::Holds);
    }
    CHECK(guest_holds(judge_guest(reading)));
    CHECK(world.smolvm.files.empty());
    CHECK(world.scratch_empty());
    CHECK(world.smolvm.calls.size() == 3);
    // What was asked: smolvm by argv, the machine by name, the request on standard input.
    CHECK(world.smolvm.calls[0][3] == "--mode");
    CHECK(world.smolvm.calls[0].back().rfind("bottle-docs:/.bottle-probe-", 0) == 0);
    CHECK(std::count(world.smolvm.calls[2].begin(), world.smolvm.calls[2].end(), "-i") == 1);
    CHECK(world.smolvm.requests[2].environment == std::vector<std::string>{"HOME=/h"});
}

TEST_CASE("a guest that answers for a machine it is not: what only it says does not hold") {
    World world;
    std::string log = world.vm_folder.path();
    SECTION("it never dialled the bundle") {}
    SECTION("smolvm refused nothing") {
        world.dial_bundle();
        log = world.scratch.path();
    }
    world.smolvm.guest = answering(world.smolvm, [&](const std::string& input) { return answer_closed(input, log); });
    GuestReading reading = world.controller.probe(world.scope());
    REQUIRE(reading.problem.empty());
    CHECK_FALSE(guest_holds(judge_guest(reading)));
}

TEST_CASE("of a smolvm that writes no denial log, a file of that name says nothing") {
    World world;
    world.smolvm.guest = answering(world.smolvm, [&](const std::string& input) {
        world.dial_bundle();
        return answer_closed(input, world.vm_folder.path());
    });
    auto scope = world.scope();
    scope.denial_log = false;
    const auto reading = world.controller.probe(scope);
    REQUIRE(reading.problem.empty());
    for (const ProbeResult& result : reading.results) CHECK_FALSE((result.event || result.event_readable));
    CHECK_FALSE(guest_holds(judge_guest(reading)));
}

TEST_CASE("a guest whose listener is the host's own") {
    World world;
    std::vector<Fd> listeners;
    world.smolvm.guest = answering(world.smolvm, [&](const std::string& input) {
        world.dial_bundle();
        std::size_t asked = input.find(" listen 0.0.0.0 ");
        REQUIRE(asked != std::string::npos);
        listeners.push_back(listen_on(std::stoi(input.substr(asked + 16))));
        return answer_closed(input, world.vm_folder.path());
    });
    int bad = 0;
    for (const Evidence& evidence : judge_guest(world.controller.probe(world.scope()))) {
        if (evidence.verdict == Verdict::Holds) continue;
        ++bad;
        INFO(evidence.reading);
        CHECK(evidence.verdict == Verdict::Fails);
        CHECK(evidence.reading.find("listener of the guest, tcp 0.0.0.0:") == 0);
    }
    CHECK(bad == 1);
}

TEST_CASE("an open guest: the real probe on this host reaches every listener, and none of it holds") {
    World world;
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string& input) {
        return world.smolvm.run_here(command, input);
    };
    GuestReading reading = world.controller.probe(world.scope());
    REQUIRE(reading.problem.empty());
    int reached = 0;
    std::vector<Evidence> evidence = judge_guest(reading);
    for (std::size_t i = 0; i < reading.results.size(); ++i) {
        const ProbeResult& result = reading.results[i];
        bool here = result.target.address == "127.0.0.5" || result.target.address == "127.0.0.6" ||
                    result.target.address == "::ffff:127.0.0.5" || result.target.address == "::1";
        if (!here || !result.listener_live) continue;
        INFO(evidence[i].reading);
        CHECK(result.listener_hits > 0);
        CHECK(evidence[i].verdict == Verdict::Fails);
        ++reached;
    }
    CHECK(reached >= 5);
    CHECK_FALSE(guest_holds(evidence));
    CHECK(world.smolvm.files.empty());
    CHECK(world.scratch_empty());
}

TEST_CASE("a log that is rotated away during the run leaves the negatives unknown") {
    World world;
    write_file(world.vm_folder.file("egress-denials.log"), std::string(100, 'x') + "\n");
    world.smolvm.guest = answering(world.smolvm, [&](const std::string& input) {
        std::filesystem::rename(world.vm_folder.file("egress-denials.log"),
                                world.vm_folder.file("egress-denials.log.1"));
        return answer_closed(input, world.vm_folder.path());
    });
    GuestReading reading = world.controller.probe(world.scope());
    REQUIRE(reading.problem.empty());
    CHECK(std::none_of(reading.results.begin(), reading.results.end(),
                       [](const ProbeResult& r) { return r.event_readable || r.event; }));
    CHECK_FALSE(guest_holds(judge_guest(reading)));
}

TEST_CASE("a guest that lies about the run is a problem, and the probe is removed") {
    World world;
    std::string said;
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string&) {
        if (command[1] == "run") return exited(0, said);
        if (command[1] == "remove") world.smolvm.files.erase(command[0]);
        return exited(0, command.back() + " ready\n");
    };
    for (const char* text : {"", "READY\n", "0 end 0\n"}) {
        said = text;
        GuestReading reading = world.controller.probe(world.scope());
        CHECK_FALSE(reading.problem.empty());
        CHECK_FALSE(guest_holds(judge_guest(reading)));
        CHECK(world.smolvm.files.empty());
    }
}

TEST_CASE("a probe that cannot be run to its end is a problem with the cause") {
    World world;
    world.smolvm.guest = answering(
        world.smolvm, [](const std::string&) { return exited(124, "", "\ncommand timed out after 46000ms"); });
    GuestReading reading = world.controller.probe(world.scope());
    CHECK(reading.problem.find("timed out after 46000ms") != std::string::npos);
    CHECK(reading.nonce.size() == 32);
}

TEST_CASE("a listener that cannot be opened is a problem, not a smaller proof") {
    World world;
    world.host.address = "192.0.2.1";
    world.smolvm.guest =
        answering(world.smolvm, [&](const std::string& input) { return answer_closed(input, world.vm_folder.path()); });
    GuestReading reading = world.controller.probe(world.scope());
    CHECK(reading.problem.find("192.0.2.1") != std::string::npos);
    // Another bottle's network may go at any time.
    world.host.address = "127.0.0.6";
    GuestScope scope = world.scope();
    scope.around.neighbours = {{"other", "192.0.2.9"}};
    CHECK(world.controller.probe(scope).problem.empty());
}

TEST_CASE("an older smolvm without --mode: copied, then made executable") {
    World world;
    world.smolvm.knows_mode = false;
    world.smolvm.guest =
        answering(world.smolvm, [&](const std::string& input) { return answer_closed(input, world.vm_folder.path()); });
    CHECK(world.controller.probe(world.scope()).problem.empty());
    std::vector<std::string> chmod = world.smolvm.calls[2];
    CHECK(std::vector<std::string>(chmod.end() - 3, chmod.end() - 1) == std::vector<std::string>{"chmod", "700"});
}

TEST_CASE("waiting: a guest that answers later is waited for, one that never does is not") {
    World world;
    TempFolder scratch;
    world.smolvm.failing_copies = 3;
    world.smolvm.guest = answering(world.smolvm, [](const std::string&) { return exited(0); });
    Outcome outcome =
        world.controller.wait_ready(world.scope().smolvm, scratch.path(), std::chrono::milliseconds(20'000));
    CHECK(outcome.kind == Outcome::Kind::Done);
    CHECK(world.smolvm.calls.size() == 3 + 3);
    CHECK(world.smolvm.files.empty());

    world.smolvm.failing_copies = 1'000'000;
    outcome = world.controller.wait_ready(world.scope().smolvm, scratch.path(), std::chrono::milliseconds(300));
    CHECK(outcome.kind == Outcome::Kind::Failed);
    CHECK(outcome.text.find("machine is not running") != std::string::npos);
}

TEST_CASE("a guest that answers with another token is not ready") {
    World world;
    world.smolvm.guest = [](const std::vector<std::string>&, const std::string&) { return exited(0, "yes ready\n"); };
    CHECK(
        world.controller.wait_ready(world.scope().smolvm, world.scratch.path(), std::chrono::milliseconds(300)).kind ==
        Outcome::Kind::Failed);
}

TEST_CASE("provision: one shell line, by name") {
    std::vector<std::string> command = provision_command("node", "tok");
    const std::string script =
        "mkdir -p /tmp /var/tmp && chown root:root /tmp /var/tmp && chmod 1777 /tmp /var/tmp"
        " && group=$(id -gn \"$1\") && mkdir -p \"/home/$1\" && chown -R -h \"$1:$group\" \"/home/$1\""
        " && printf '%s\\n' \"$2\"";
    CHECK(command == std::vector<std::string>{"/bin/sh", "-c", script, "sh", "node", "tok"});
    CHECK(provision_command("root", "tok")[2].find("/home") == std::string::npos);
}

TEST_CASE("provision: done only with the token, tried again once when killed") {
    World world;
    int killed = 0;
    bool complete = true;
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string&) {
        if (killed-- > 0) return exited(137);
        return complete ? exited(0, command.back() + "\n") : exited(0, "");
    };
    auto provision = [&](int kills) {
        killed = kills;
        world.smolvm.calls.clear();
        return world.controller.provision(world.scope().smolvm, "node");
    };
    CHECK(provision(0).kind == Outcome::Kind::Done);
    CHECK(world.smolvm.calls.size() == 1);
    CHECK(provision(1).kind == Outcome::Kind::Done);
    CHECK(world.smolvm.calls.size() == 2);
    CHECK(provision(2).kind == Outcome::Kind::Failed);
    CHECK(world.smolvm.calls.size() == 2);
    complete = false;
    CHECK(provision(0).kind == Outcome::Kind::Failed);
    world.smolvm.guest = [](const std::vector<std::string>&, const std::string&) {
        return exited(1, "", "chown: unknown user \x1b[1mnode\n");
    };
    Outcome outcome = provision(0);
    CHECK(outcome.text.find("unknown user") != std::string::npos);
    CHECK(outcome.text.find('\x1b') == std::string::npos);
    world.smolvm.calls.clear();
    for (const char* user : {"", "-r", "a b", "../x", "a;b", "a\n"}) {
        CHECK(world.controller.provision(world.scope().smolvm, user).kind == Outcome::Kind::Failed);
    }
    CHECK(world.smolvm.calls.empty());
}

TEST_CASE("the agent's files go as a file, and are in the guest only where it has our digests of them") {
    World world;
    const std::vector<GuestCopy> copies = {{"~/.claude/skills/review", {{"SKILL.md", false, "what it does\n"}}}, {"~/.claude/skills/lint", {}}, {"/etc/bottle/prompt.md", {{".", false, "Write docs.\n"}}}};
    std::string sent;
    std::string digest = sha256_hex("- 12 .\nWrite docs.\n");
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string& input) {
        CHECK(input.empty());
        if (command[1] == "ready") return exited(0, command[2] + " ready\n");
        if (command[1] != "place") return exited(0);
        CHECK(command.size() == 5);
        CHECK(command[3] == "node");
        sent = ::read_file(world.smolvm.guest_root.path() + command[4]);
        world.smolvm.files.erase(command[0]);
        return exited(0, command[2] + " 1 " + digest + "\n" + command[2] + " 2 " + sha256_hex("- 13 SKILL.md\nwhat it does\n") + "\n" + command[2] + " 3 -\n" + command[2] + " end 3\n");
    };
    const auto place = [&] { return world.controller.place_copies(world.scope().smolvm, world.scratch.path(), "node", copies); };
    CHECK(place().kind == Outcome::Kind::Done);
    // Root's first.
    CHECK(sent == "place /etc/bottle/prompt.md\nfile - 12 .\nWrite docs.\nplace ~/.claude/skills/review\nfile - 13 SKILL.md\nwhat it does\nplace ~/.claude/skills/lint\nend\n");
    CHECK(world.scratch_empty());
    for (const auto& request : world.smolvm.requests) {
        for (const auto& word : request.argv) CHECK(word.find("Write docs") == std::string::npos);
    }
    digest = sha256_hex("- 12 .\nWrite dots.\n");
    CHECK(place().text == "the agent's files did not come into the guest: what it has of them is not what was copied");
    // What did not run is taken out again.
    std::vector<std::string> words;
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string&) {
        words.push_back(command[1]);
        return command[1] == "ready" ? exited(0, command[2] + " ready\n") : command[1] == "place" ? exited(1, "", "bottle-probe: /etc/passwd has no user \x1b[1mnode\n") : exited(0);
    };
    CHECK(place().text == "the agent's files did not come into the guest: exited with 1: bottle-probe: /etc/passwd has no user \\x1B[1mnode");
    CHECK(words == std::vector<std::string>{"ready", "place", "remove", "-c"});
    CHECK(world.scratch_empty());
    // Nothing to bring is nothing to do.
    world.smolvm.calls.clear();
    CHECK(world.controller.place_copies(world.scope().smolvm, world.scratch.path(), "node", {}).kind == Outcome::Kind::Done);
    CHECK(world.smolvm.calls.empty());
}

TEST_CASE("without a network: the port is forwarded before the probe runs, and only a forwarder that says so is one") {
    World world;
    std::vector<std::string> verbs;
    std::string answer = "listening";
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string&) {
        verbs.push_back(command[1]);
        if (command[1] == "forward") {
            CHECK(command[3] == std::to_string(world.bundle.port()));
            CHECK(command[4] == "/run/bottle/proxy.sock");
            return exited(0, command[2] + " " + answer + "\n");
        }
        if (command[1] == "run") return exited(1, "", "as this test asks");
        return exited(0, command.back() + " ready\n");
    };
    GuestScope scope = world.scope();
    scope.around.socket = "/run/bottle/proxy.sock";
    CHECK(world.controller.probe(scope).problem.find("the probe did not run to its end") == 0);
    CHECK(verbs == std::vector<std::string>{"ready", "forward", "run", "remove"});
    answer = "taken";
    CHECK(world.controller.probe(scope).problem.find("the probe did not run to its end") == 0);
    verbs.clear();
    answer = "forged";
    CHECK(world.controller.probe(scope).problem.find("the guest's port is not forwarded") == 0);
    CHECK(verbs == std::vector<std::string>{"ready", "forward", "remove"});
    scope.around.ports.push_back({"egress", "second", 1});
    CHECK(world.controller.probe(scope).problem == "one socket is mounted, and the bundle has not one port");
}

TEST_CASE("without a network: a forwarder that died is started again, and one that stands is left alone") {
    World world;
    GuestScope scope = world.scope();
    scope.around.socket = "/run/bottle/proxy.sock";
    bool stands = true;
    std::string answer = "listening";
    std::vector<std::string> verbs;
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string&) {
        if (command.front() == "/bin/sh") {
            CHECK(command == listening_command(world.bundle.port(), command.back()));
            return stands ? exited(0, command.back() + "\n") : exited(1);
        }
        verbs.push_back(command[1]);
        if (command[1] == "forward") return exited(0, command[2] + " " + answer + "\n");
        return exited(0, command.back() + " ready\n");
    };
    CHECK(world.controller.stand_forwarder(scope).kind == Outcome::Kind::Done);
    CHECK(world.smolvm.calls.size() == 1);
    stands = false;
    CHECK(world.controller.stand_forwarder(scope).kind == Outcome::Kind::Done);
    CHECK(verbs == std::vector<std::string>{"ready", "forward", "remove"});
    answer = "forged";
    const Outcome failed = world.controller.stand_forwarder(scope);
    CHECK(failed.kind == Outcome::Kind::Failed);
    CHECK(failed.text.find("the guest's port is not forwarded to the mounted socket: ") == 0);
    scope.around.ports.clear();
    CHECK(world.controller.stand_forwarder(scope).text == "one socket is mounted, and the bundle has not one port");
}

TEST_CASE("the look for a listener in the guest believes its token alone") {
    World world;
    GuestScope scope = world.scope();
    scope.around.socket = "/run/bottle/proxy.sock";
    std::vector<std::string> verbs;
    ProcessResult looked;
    world.smolvm.guest = [&](const std::vector<std::string>& command, const std::string&) {
        if (command.front() == "/bin/sh") return looked;
        verbs.push_back(command[1]);
        return exited(0, command[1] == "forward" ? command[2] + " taken\n" : command.back() + " ready\n");
    };
    for (const auto& result : {exited(0), exited(0, "yes\n"), exited(127, "", "/bin/sh: not found")}) {
        verbs.clear();
        looked = result;
        CHECK(world.controller.stand_forwarder(scope).kind == Outcome::Kind::Done);
        CHECK(verbs == std::vector<std::string>{"ready", "forward", "remove"});
    }
}

TEST_CASE("the look for a listener in the guest: a shell finds one on the loopback, and no other") {
    const auto finds = [](int port) {
        ProcessRequest request;
        request.argv = listening_command(port, "token");
        request.environment = {"PATH=/nowhere"};
        const ProcessResult result = SystemProcessRunner().run(request);
        CHECK(result.out == (result.succeeded() ? "token\n" : ""));
        return result.succeeded();
    };
    const HostListener loopback(HostListener::Protocol::Tcp, "127.0.0.1", "x");
    const HostListener beside(HostListener::Protocol::Tcp, "127.0.0.4", "x");
    CHECK(finds(loopback.port()));
    CHECK_FALSE(finds(beside.port()));
    CHECK_FALSE(finds(free_port()));
}
