#include "reconciler/socket_place.h"

#include "reconciler/allocate.h"
#include "reconciler/firewall.h"
#include "reconciler/proof.h"
#include "reconciler/report.h"
#include "reconciler/row.h"
#include "reconciler/row_splice.h"
#include "reconciler/running_config.h"
#include "tests/reconciler/ready_look.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

#include <algorithm>

// Mode socket: a machine without a network, and one Unix socket through which its bundle's proxy comes in.
using namespace bottle;
using namespace bottle::model;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* kFolder = "/run/bottle/2900000";
const SocketFolder kWant{kFolder, 2'910'000, 2'900'000};

std::string plan_text(ModelWorld& world, const Manifest& manifest = sample_with_socket()) {
    return to_text(look_and_plan(world, manifest).plan);
}

Look socket_look() {
    static const Look look = [] {
        auto world = ready_world(sample_with_socket());
        Look made;
        made.snapshot = world.observe(scope_of(world, sample_with_socket()));
        made.desired = desire(sample_with_socket(), {}, *world.stored.allocation, made.snapshot, test_digest());
        return made;
    }();
    return look;
}

Evidence evidence(const Look& look, EvidenceKind kind, const std::vector<Change>& changes = {}) {
    for (const auto& item : host_evidence(look.desired, look.snapshot, changes)) {
        if (item.kind == kind) return item;
    }
    FAIL("no such evidence");
    return {};
}

SocketPlace good_place() {
    return {2'910'000, 2'900'000, 0710, {{"proxy.sock", true, 2'910'000, 2'900'000, 0660, 22, 7, 5}}};
}

std::string problem_of(const SocketPlace& place, const SocketFolder& want = kWant) {
    std::string problem;
    const auto identity = socket_identity(place, want, problem);
    CHECK(identity.empty() == !problem.empty());
    return problem;
}

bool starts_with_stop(const Plan& plan) {
    return !plan.steps.empty() && std::holds_alternative<StopMachine>(plan.steps.front().action);
}

void publish(ModelWorld& world, Json sockets) {
    world.change_row([&](Json& row) { row["published_sockets"] = std::move(sockets); });
}

Json mounted(const std::string& host, const std::string& guest = "/run/bottle/proxy.sock") {
    return {{"direction", "mount"}, {"guest_path", guest}, {"host_path", host}};
}

struct GoldenCase {
    const char* file;
    void (*change)(ModelWorld&);
};

const GoldenCase kGolden[] = {
    {"socket-nothing-to-do.plan", [](ModelWorld&) {}},
    {"socket-other-path.plan", [](ModelWorld& w) { publish(w, Json::array({mounted("/run/docker.sock")})); }},
    {"socket-second.plan", [](ModelWorld& w) { publish(w, Json::array({mounted(std::string(kFolder) + "/proxy.sock"), mounted("/run/docker.sock", "/run/docker.sock")})); }},
    {"socket-none.plan", [](ModelWorld& w) { publish(w, Json::array()); }},
    {"socket-network-on.plan", [](ModelWorld& w) { w.change_row([](Json& row) { row["network"] = true; }); }},
    {"socket-list-in-row.plan",
     [](ModelWorld& w) {
         w.kill_vmm();
         w.change_row([](Json& row) {
             row["allowed_cidrs"] = {"0.0.0.0/0"};
             row["dns_filter_hosts"] = Json::array();
         });
     }},
    {"socket-file-exchanged.plan", [](ModelWorld& w) { w.socket_place->entries.front().inode += 1; }},
    {"socket-another-in-folder.plan", [](ModelWorld& w) { w.socket_place->entries.push_back({"x.sock", true, 0, 0, 0777, 22, 99}); }},
    {"socket-folder-open.plan", [](ModelWorld& w) { w.socket_place->mode = 0777; }},
    {"socket-folder-unreadable.plan", [](ModelWorld& w) { w.socket_unreadable = "/run/bottle/2900000: Input/output error"; }},
    {"socket-host-restarted.plan", [](ModelWorld& w) { w.reboot(); }},
    {"socket-firewall-opened.plan", [](ModelWorld& w) { w.firewall = listed_firewall(2'900'000, "10.231.0.2", {9099}); }},
};

}  // namespace

TEST_CASE("golden: the first apply in mode socket") {
    auto world = empty_world();
    check_golden("plans/socket-first-apply.plan", plan_text(world));
    check_golden("plans/socket-first-apply.json", to_json(look_and_plan(world, sample_with_socket()).plan));
}

TEST_CASE("golden: a world in mode socket that drifted from Ready") {
    for (const auto& golden : kGolden) DYNAMIC_SECTION(golden.file) {
        auto world = ready_world(sample_with_socket());
        golden.change(world);
        check_golden(std::string("plans/") + golden.file, plan_text(world));
    }
}

TEST_CASE("golden: from one mode to the other: the machine is not changed, and is refused") {
    auto bridged = ready_world();
    check_golden("plans/socket-from-bridge.plan", plan_text(bridged));
    auto world = ready_world(sample_with_socket());
    check_golden("plans/socket-to-bridge.plan", plan_text(world, sample_manifest()));
}

TEST_CASE("in mode socket a bottle becomes Ready, without a network and without a list; a second apply does nothing") {
    const auto manifest = sample_with_socket();
    auto world = ready_world(manifest);
    CHECK(world.violations.empty());
    CHECK(world.leak().empty());
    const auto row = Json::parse(world.row->data);
    CHECK(row["network"] == false);
    CHECK(row["allowed_cidrs"].is_null());
    CHECK(row["published_sockets"] == Json::array({mounted(std::string(kFolder) + "/proxy.sock")}));
    CHECK(std::none_of(world.acts.begin(), world.acts.end(), [](const std::string& act) { return act.rfind("allowlist", 0) == 0; }));
    const auto all = conditions(look_and_plan(world, manifest).desired, world.observe(scope_of(world, manifest)));
    CHECK(condition(all, "Ready").status == "True");
    CHECK(condition(all, "Confined").message == "reaches its bundle's proxy by a socket and nothing else");
    const int before = world.mutations;
    CHECK(apply(world, manifest).exit == Exit::Ok);
    CHECK(world.mutations == before);
}

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

TEST_CASE("the folder is made before infra, and made right or emptied where something is in it") {
    const auto manifest = sample_with_socket();
    auto world = empty_world();
    world.stored.allocation = Allocation{"10.231.0.0/29", "10.232.0.0/29", 2'900'000};
    world.socket_folder = kFolder;
    const auto makes = [&] {
        const auto plan = look_and_plan(world, manifest).plan;
        return std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return std::holds_alternative<MakeSocketFolder>(step.action); });
    };
    CHECK(makes() == 1);
    world.socket_place = good_place();
    CHECK(makes() == 1);
    world.socket_place->entries.clear();
    CHECK(makes() == 0);
    world.socket_place->mode = 0755;
    CHECK(makes() == 1);
    REQUIRE(apply(world, manifest).exit == Exit::Ok);
    CHECK(makes() == 0);
    CHECK(world.socket_place->mode == 0710);
}

TEST_CASE("mode socket without its one port is refused, whoever left the loader out") {
    auto world = empty_world();
    for (const auto& ports : {std::vector<PortSpec>{}, {{"web", 80}}, {{"proxy", 9099}, {"git", 9418}}}) {
        auto manifest = sample_with_socket();
        manifest.bundle.containers.front().ports = ports;
        const auto planned = look_and_plan(world, manifest);
        CHECK_FALSE(planned.desired.machine.socket);
        REQUIRE(planned.plan.refusals.size() == 1);
        CHECK(planned.plan.refusals.front().place == Place{"bottle.yaml", 9, 11});
        CHECK(planned.plan.steps.empty());
    }
}

TEST_CASE("mode socket: a list in the row of a machine that is stopped is taken out again") {
    const auto manifest = sample_with_socket();
    auto world = ready_world(manifest);
    const auto good = world.row->data;
    world.kill_vmm();
    world.change_row([](Json& row) {
        row["network"] = true;
        row["allowed_cidrs"] = {"10.231.0.2/32"};
        row["dns_filter_hosts"] = Json::array();
    });
    REQUIRE(apply(world, manifest).exit == Exit::Ok);
    CHECK(world.leak().empty());
    CHECK(Json::parse(world.row->data)["network"] == false);
}

TEST_CASE("the splice out of a list changes its keys and no other byte") {
    auto machine = socket_look().desired.machine;
    const auto created = created_row(machine);
    CHECK(splice_offline(created) == created);
    CHECK(splice_offline(splice_allowlist(created, "10.231.0.2/32")) == created);
    CHECK(splice_offline(R"({"dns_filter_hosts":[],"network":true})") == R"({"network":false,"allowed_cidrs":null})");
    CHECK(splice_offline(R"({ "network" : true , "dns_filter_hosts":[ "a,}" ] , "x":1})") == R"({ "network" : false  , "x":1,"allowed_cidrs":null})");
    CHECK(splice_offline(R"({"allowed_cidrs":[],"network":true,"x":{"dns_filter_hosts":1},"dns_filter_hosts":null})") == R"({"allowed_cidrs":null,"network":false,"x":{"dns_filter_hosts":1}})");
    CHECK_THROWS_AS(splice_offline(created + "x"), Error);
}

TEST_CASE("decision: the row of a machine with a mounted socket has no network, no list, and that socket alone") {
    const auto machine = socket_look().desired.machine;
    const auto good = created_row(machine);
    for (const auto stage : {RowStage::Offline, RowStage::Confined}) {
        CHECK(compare_row(good, machine, stage).empty());
        const auto problems = [&](const std::function<void(Json&)>& change) {
            auto row = Json::parse(good);
            change(row);
            return compare_row(row.dump(), machine, stage);
        };
        const auto fix = [&](const char* key, const Json& value, RowFix want) {
            INFO(key << value.dump());
            const auto found = problems([&](Json& row) { row[key] = value; });
            REQUIRE(found.size() == 1);
            CHECK(found.front().key == key);
            CHECK(found.front().fix == want);
        };
        fix("network", nullptr, RowFix::SetAllowlist);
        fix("allowed_cidrs", Json::array(), RowFix::SetAllowlist);
        fix("allowed_cidrs", Json::array({""}), RowFix::SetAllowlist);
        fix("dns_filter_hosts", Json::array(), RowFix::SetAllowlist);
        fix("published_sockets", Json::array(), RowFix::Recreate);
        fix("published_sockets", Json::array({mounted("/run/bottle/2900000/proxy.sock", "/run/docker.sock")}), RowFix::Recreate);
        fix("published_sockets", Json::array({mounted("/run/bottle/2900001/proxy.sock")}), RowFix::Recreate);
        auto exposed = mounted("/run/bottle/2900000/proxy.sock");
        exposed["direction"] = "expose";
        fix("published_sockets", Json::array({exposed}), RowFix::Recreate);
        auto more = mounted("/run/bottle/2900000/proxy.sock");
        more["mode"] = 1;
        fix("published_sockets", Json::array({more}), RowFix::Recreate);
        CHECK(problems([](Json& row) { row["network"] = true; }).size() == 2);
    }
    auto bridged = machine;
    bridged.socket.reset();
    bridged.allowed_cidr = "10.231.0.2/32";
    CHECK_FALSE(compare_row(good, bridged, RowStage::Confined).empty());
}

TEST_CASE("decision: the running configuration of a machine with a mounted socket has no network and no list") {
    auto look = socket_look();
    const auto good = Json::parse(*look.machine().running_config);
    CHECK(good["resources"]["network"] == false);
    CHECK(compare_running_config(good.dump(), look.desired.machine, measured_builds().back()).empty());
    for (const auto& [key, value] : {std::pair<const char*, Json>{"network", true}, {"allowed_cidrs", Json::array()}, {"allowed_cidrs", Json::array({"10.231.0.2/32"})}}) {
        auto config = good;
        config["resources"][key] = value;
        CHECK(compare_running_config(config.dump(), look.desired.machine, measured_builds().back()).size() == 1);
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
    auto look = socket_look();
    const auto& view = *look.snapshot.docker;
    const auto changes = [&](const DockerView& docker, const Observation<SocketPlace>& place) { return diff_socket_place(look.desired, docker, place); };
    CHECK(changes(view, look.snapshot.socket_place).empty());
    auto opened = look.snapshot.socket_place;
    opened.value().mode = 0777;
    const auto found = changes(view, opened);
    REQUIRE(found.size() == 1);
    CHECK(found.front().what == Change::What::Differs);
    CHECK(found.front().reach == Reach::Wider);
    CHECK(found.front().name == "bottle-docs-writer-infra");
    CHECK(found.front().kind == "container");
    const auto infra = std::find_if(view.containers.begin(), view.containers.end(), [](const auto& c) { return c.is.name == "bottle-docs-writer-infra"; });
    CHECK(found.front().id == infra->id);
    auto empty = look.snapshot.socket_place;
    empty.value().entries.clear();
    CHECK(changes(view, empty).size() == 1);
    // What cannot be read is the evidence's.
    CHECK(changes(view, Unknown{"x"}).empty());
    auto exited = view;
    exited.containers[static_cast<std::size_t>(infra - view.containers.begin())].status = "exited";
    CHECK(changes(exited, empty).empty());
    CHECK(changes(exited, opened).size() == 1);
    CHECK(changes(exited, Absent{}).size() == 1);
    auto none = view;
    none.containers.clear();
    CHECK(changes(none, Absent{}).empty());
    const auto bridged = ready_look();
    CHECK(diff_socket_place(bridged.desired, *bridged.snapshot.docker, Absent{}).empty());
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
    REQUIRE(key->network_ids.size() == 3);
    const auto& file = look.snapshot.socket_place->entries.front();
    CHECK(key->network_ids.back() == "socket " + std::to_string(file.device) + ":" + std::to_string(file.inode) + ":0");
    CHECK(judge({EvidenceKind::Guest}, guest_evidence(look.desired, look.snapshot)) == Verdict::Holds);
    look.snapshot.socket_place.value().entries.front().ctime_ns += 1;
    const auto now = guest_evidence(look.desired, look.snapshot);
    REQUIRE(now.size() == 1);
    CHECK(now.front().verdict == Verdict::Unknown);
    CHECK(now.front().reading == "a network, or the mounted socket, was made anew since the proof");
}

TEST_CASE("mode socket: what is in doubt is stopped, and nothing else is done about it before") {
    const auto manifest = sample_with_socket();
    const std::function<void(ModelWorld&)> kDoubts[] = {
        [](ModelWorld& w) { w.socket_unreadable = "x"; },
        [](ModelWorld& w) { w.socket_place.reset(); },
        [](ModelWorld& w) { w.socket_place->entries.front().inode += 1; },
        [](ModelWorld& w) { publish(w, Json::array()); },
        [](ModelWorld& w) { w.change_row([](Json& row) { row["network"] = true; }); },
        [](ModelWorld& w) { w.live->channels = {"port-forward.sock"}; },
        [](ModelWorld& w) { w.firewall.reset(); },
        [](ModelWorld& w) { w.restart_container("bottle-docs-writer-infra"); },
    };
    for (const auto& doubt : kDoubts) {
        auto world = ready_world(manifest);
        doubt(world);
        const auto planned = look_and_plan(world, manifest);
        CHECK(starts_with_stop(planned.plan));
        CHECK(condition(conditions(planned.desired, world.observe(scope_of(world, manifest))), "Ready").status != "True");
        apply(world, manifest);
        CHECK(world.violations.empty());
        CHECK((!world.live || look_and_plan(world, manifest).plan.empty()));
    }
}
