#include "reconciler/proof.h"
#include "reconciler/socket_place.h"
#include "tests/reconciler/socket_look.h"

#include <catch2/catch.hpp>

#include <algorithm>

// Mode socket: what is desired, the socket's place on the host, and what a proof makes of it.
using namespace bottle;
using namespace bottle::model;

namespace {

const SocketFolder kWant{kFolder, 2'910'000, 2'900'000};

Evidence evidence(const Look& look, EvidenceKind kind, const std::vector<Change>& changes = {}) {
    for (const auto& item : host_evidence(look.desired, look.snapshot, changes)) {
        if (item.kind == kind) return item;
    }
    FAIL("no such evidence");
    return {};
}

std::string problem_of(const SocketPlace& place, const SocketFolder& want = kWant) {
    std::string problem;
    const auto identity = socket_identity(place, want, problem);
    CHECK(identity.empty() == !problem.empty());
    return problem;
}

ObservedContainer& infra_of(Look& look) {
    auto& containers = look.snapshot.docker.value().containers;
    return *std::find_if(containers.begin(), containers.end(), [](const auto& c) { return c.is.name == "bottle-docs-writer-infra"; });
}

}  // namespace

TEST_CASE("mode socket: what is desired") {
    const auto look = socket_look();
    const auto& desired = look.desired;
    CHECK(desired.socket_folder == kWant);
    CHECK(desired.machine.allowed_cidr.empty());
    CHECK(desired.machine.socket == MountedSocket{"/run/bottle/2900000/proxy.sock", "/run/bottle/proxy.sock"});
    const auto& infra = desired.containers.front();
    CHECK(infra.command == std::vector<std::string>{"/run/bottle/proxy.sock", "9099"});
    CHECK(infra.user == "2910000:2900000");
    CHECK(infra.mounts == std::vector<std::string>{"bind /run/bottle/2900000:/run/bottle"});
    CHECK(desired.firewall == FirewallRules{2'900'000, "", {}});
    for (const auto* name : {"HTTP_PROXY", "https_proxy"}) CHECK(desired.guest_env.at(name) == "http://127.0.0.1:9099");
    CHECK(desired.guest_env.at("NO_PROXY") == "localhost,127.0.0.1");
    CHECK(desired.required == std::vector<EvidenceKind>{EvidenceKind::Row, EvidenceKind::Process, EvidenceKind::Config, EvidenceKind::Bundle, EvidenceKind::Guest, EvidenceKind::Firewall});
}

TEST_CASE("mode socket as a user: infra has the user's uid, and the folder is closed to every other") {
    auto world = empty_world();
    world.host.euid = 1500;
    world.host.state_folder = "/home/sam/.local/state/bottle";
    REQUIRE(apply(world, sample_with_socket()).exit == Exit::Ok);
    const auto desired = look_and_plan(world, sample_with_socket()).desired;
    CHECK(desired.socket_folder == SocketFolder{"/home/sam/.local/state/bottle/bottles/docs-writer/socket", 1500, -1});
    CHECK(desired.containers.front().user == "1500:1500");
    CHECK(look_and_plan(world, sample_with_socket()).plan.empty());
    world.host.state_folder = "/home/sam/a:b";
    const auto refused = look_and_plan(world, sample_with_socket()).desired.problems;
    REQUIRE(refused.size() == 1);
    CHECK(refused.front().text.find("has a colon in its path") != std::string::npos);
    CHECK(refused.front().place == Place{"bottle.yaml", 9, 11});
}

TEST_CASE("mode socket without its one port is refused, whoever left the loader out") {
    auto world = empty_world();
    for (const auto& ports : {std::vector<PortSpec>{}, {{"web", 80}}, {{"proxy", 9099}, {"git", 9418}}, {{"proxy", 9099}, {"proxy", 9100}}}) {
        auto manifest = sample_with_socket();
        manifest.bundle.containers.front().ports = ports;
        const auto planned = look_and_plan(world, manifest);
        CHECK_FALSE(planned.desired.machine.socket);
        REQUIRE(planned.plan.refusals.size() == 1);
        CHECK(planned.plan.refusals.front().place == Place{"bottle.yaml", 9, 11});
        CHECK(planned.plan.steps.empty());
    }
}

TEST_CASE("decision: the folder is infra's alone, and holds the one socket that infra made") {
    std::string problem = "x";
    CHECK(socket_identity(good_place(), kWant, problem) == "22:7:5");
    CHECK(problem.empty());
    CHECK(socket_identity(Absent{}, kWant, problem).empty());
    CHECK(problem == "the folder of its socket, /run/bottle/2900000, is not there");
    const std::pair<const char*, std::function<void(SocketPlace&)>> kWrong[] = {
        {"folder of its socket is 0:2900000", [](SocketPlace& p) { p.uid = 0; }},
        {"folder of its socket is 2910000:0", [](SocketPlace& p) { p.gid = 0; }},
        {"with mode 0711, not 2910000:2900000 with mode 0710", [](SocketPlace& p) { p.mode = 0711; }},
        {"its socket is not there", [](SocketPlace& p) { p.entries.clear(); }},
        {"x.sock is beside its socket", [](SocketPlace& p) { p.entries.push_back({"x.sock", true, 2'910'000, 2'900'000, 0660, 22, 8}); }},
        {"x.sock is beside its socket", [](SocketPlace& p) { p.entries.front().name = "x.sock"; }},
        {"proxy.sock is no socket", [](SocketPlace& p) { p.entries.front().is_socket = false; }},
        {"its socket is 0:2900000", [](SocketPlace& p) { p.entries.front().uid = 0; }},
        {"its socket is 2910000:0", [](SocketPlace& p) { p.entries.front().gid = 0; }},
        {"with mode 0666, and infra makes it 2910000:2900000 with mode 0660", [](SocketPlace& p) { p.entries.front().mode = 0666; }},
    };
    for (const auto& [says, change] : kWrong) {
        auto place = good_place();
        change(place);
        INFO(says);
        CHECK(problem_of(place).find(says) != std::string::npos);
    }
    // As a user: every group is kept out, so that it does not matter which one it is.
    const SocketFolder own{"/home/sam/socket", 1500, -1};
    SocketPlace place{1500, 100, 0700, {{"proxy.sock", true, 1500, 1500, 0660, 22, 7}}};
    CHECK(problem_of(place, own).empty());
    place.mode = 0710;
    CHECK(problem_of(place, own).find("with mode 0710, not 1500:100 with mode 0700") != std::string::npos);
    place.mode = 0700;
    place.entries.front().mode = 0777;
    CHECK(problem_of(place, own).find("its socket is 1500:1500 with mode 0777, and infra makes it 1500:1500 with mode 0660") != std::string::npos);
    const SocketFolder root{"/x", 0, 0};
    CHECK(problem_of({0, 7, 0710, {}}, root).find("not 0:0") != std::string::npos);
}

TEST_CASE("decision: infra is made anew where its socket is not as it shall be, and only then") {
    const auto look = socket_look();
    const auto changes = [](const Look& at) { return diff_socket_place(at.desired, at.snapshot); };
    const auto with = [&](const std::function<void(Look&)>& change) {
        auto changed = look;
        change(changed);
        return changes(changed);
    };
    const auto empty = [](Look& l) { l.snapshot.socket_place.value().entries.clear(); };
    const auto opened = [](Look& l) { l.snapshot.socket_place.value().mode = 0777; };
    const auto exited = [](Look& l) { infra_of(l).status = "exited"; };
    CHECK(changes(look).empty());
    const auto found = with(opened);
    REQUIRE(found.size() == 1);
    CHECK(found.front().what == Change::What::Differs);
    CHECK(found.front().reach == Reach::Wider);
    CHECK(found.front().name == "bottle-docs-writer-infra");
    CHECK(found.front().kind == "container");
    auto whose = look;
    CHECK(found.front().id == infra_of(whose).id);
    CHECK(with(empty).size() == 1);
    // What cannot be read is the evidence's.
    CHECK(with([](Look& l) { l.snapshot.socket_place = Unknown{"x"}; }).empty());
    CHECK(with([](Look& l) { l.snapshot.docker = Unknown{"x"}; }).empty());
    CHECK(with([](Look& l) { l.snapshot.docker = Absent{}; }).empty());
    CHECK(with([&](Look& l) { exited(l); empty(l); }).empty());
    CHECK(with([&](Look& l) { exited(l); opened(l); }).size() == 1);
    CHECK(with([&](Look& l) { exited(l); l.snapshot.socket_place = Absent{}; }).size() == 1);
    CHECK(with([](Look& l) { l.snapshot.docker.value().containers.clear(); l.snapshot.socket_place = Absent{}; }).empty());
    auto bridged = ready_look();
    bridged.snapshot.socket_place = Absent{};
    CHECK(changes(bridged).empty());
}

TEST_CASE("decision: a socket that is not the file which infra made at bottle's start of it is somebody else's") {
    const auto look = socket_look();
    const auto cause = [&](const std::function<void(Look&)>& change) {
        auto changed = look;
        change(changed);
        const auto found = diff_socket_place(changed.desired, changed.snapshot);
        return found.empty() ? std::string() : found.front().cause;
    };
    const std::string exchanged = "its socket is not the file that it made when bottle started it: somebody exchanged it, or started infra again";
    CHECK(cause([](Look&) {}).empty());
    CHECK(cause([](Look& l) { l.snapshot.socket_place.value().entries.front().inode += 1; }) == exchanged);
    CHECK(cause([](Look& l) { l.snapshot.socket_place.value().entries.front().device += 1; }) == exchanged);
    CHECK(cause([](Look& l) { l.snapshot.socket_place.value().entries.front().ctime_ns += 1; }) == exchanged);
    CHECK(cause([](Look& l) { l.snapshot.stored.value().socket = "1:2:3"; }) == exchanged);
    CHECK(cause([](Look& l) { l.snapshot.stored.value().socket.reset(); }) == "which socket it made is not recorded: its start was cut off, or not ours");
    // What is wrong with the file itself is said first; an infra that does not run makes another one; and records that cannot be read stop by themselves.
    CHECK(cause([](Look& l) { l.snapshot.socket_place.value().mode = 0777; l.snapshot.stored.value().socket.reset(); }).find("with mode 0777") != std::string::npos);
    CHECK(cause([](Look& l) { infra_of(l).status = "exited"; l.snapshot.stored.value().socket.reset(); }).empty());
    CHECK(cause([](Look& l) { l.snapshot.stored = Unknown{"locked"}; }).empty());
}

TEST_CASE("decision: the bundle's evidence in mode socket is the socket's place, and no route") {
    auto look = socket_look();
    CHECK(evidence(look, EvidenceKind::Bundle).verdict == Verdict::Holds);
    CHECK(evidence(look, EvidenceKind::Bundle).digest.find(" 22:") != std::string::npos);
    look.snapshot.route = Absent{};
    CHECK(evidence(look, EvidenceKind::Bundle).verdict == Verdict::Holds);
    auto unreadable = look;
    unreadable.snapshot.socket_place = Unknown{"Input/output error"};
    CHECK(evidence(unreadable, EvidenceKind::Bundle).verdict == Verdict::Unknown);
    CHECK_FALSE(proof_key(unreadable.desired, unreadable.snapshot));
    auto empty = look;
    empty.snapshot.socket_place.value().entries.clear();
    CHECK(evidence(empty, EvidenceKind::Bundle).verdict == Verdict::Fails);
    CHECK_FALSE(proof_key(empty.desired, empty.snapshot));
    auto alone = look;
    alone.snapshot.docker.value().networks.clear();
    CHECK(evidence(alone, EvidenceKind::Bundle).reading == "the internal network is not there");
    CHECK(evidence(look, EvidenceKind::Row).reading == "no network, and the one socket in it is /run/bottle/2900000/proxy.sock");
    CHECK(evidence(look, EvidenceKind::Firewall).reading == "the kernel lets uid 2900000 reach nothing; 0 packets let through, 2 refused");
}

TEST_CASE("decision: a proof in mode socket is bound to the socket's file") {
    auto look = socket_look();
    const auto key = proof_key(look.desired, look.snapshot);
    REQUIRE(key);
    CHECK(key->network_ids.size() == 2);
    const auto& file = look.snapshot.socket_place->entries.front();
    CHECK(key->socket == std::to_string(file.device) + ":" + std::to_string(file.inode) + ":0");
    CHECK(proof_key(ready_look().desired, ready_look().snapshot)->socket.empty());
    CHECK(judge({EvidenceKind::Guest}, guest_evidence(look.desired, look.snapshot)) == Verdict::Holds);
    look.snapshot.socket_place.value().entries.front().ctime_ns += 1;
    const auto now = guest_evidence(look.desired, look.snapshot);
    REQUIRE(now.size() == 1);
    CHECK(now.front().verdict == Verdict::Unknown);
    CHECK(now.front().reading == "the mounted socket is another file than at the proof");
}
