#include "reconciler/widening.h"

#include "tests/reconciler/ready_look.h"

#include <catch2/catch.hpp>

using namespace bottle;
using namespace bottle::model;

namespace {

/// What is said of a change of the sample in a world where it is Ready; each problem's text, in order.
std::vector<std::string> said(void (*change)(Manifest&), const std::function<void(Look&)>& look_changed = {}, void (*before)(Manifest&) = nullptr) {
    auto was = sample_manifest();
    if (before != nullptr) before(was);
    auto now = was;
    if (change != nullptr) change(now);
    auto look = ready_look();
    look.desired = desire(now, {}, look.desired.allocation, look.snapshot, test_digest());
    if (look_changed) look_changed(look);
    std::vector<std::string> texts;
    for (const auto& problem : widenings(was, now, {}, look.desired, look.snapshot)) texts.push_back(problem.text);
    return texts;
}

void closed(Manifest& m) {
    m.bundle.external_network = false;
}

ContainerSpec& egress(Manifest& m) {
    return m.bundle.containers.front();
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("widening: what is as it was, or less, or no reach") {
    CHECK(said(nullptr).empty());
    CHECK(said(closed).empty());
    CHECK(said([](Manifest& m) { m.network.mode = NetworkMode::Socket; }).empty());
    CHECK(said([](Manifest& m) { m.network.firewall = "required"; }).empty());
    CHECK(said([](Manifest& m) { egress(m).ports.clear(); }).empty());
    CHECK(said([](Manifest& m) { egress(m).ports.front().name = "http"; }).empty());
    CHECK(said([](Manifest& m) { m.bundle.containers.clear(); }).empty());
    CHECK(said([](Manifest& m) { egress(m).limits.memory_bytes *= 2; }).empty());
    CHECK(said([](Manifest& m) { egress(m).tmpfs = {"/var/spool"}; }).empty());
    CHECK(said([](Manifest& m) {
              m.agent.command = {"codex"};
              m.agent.env["TOKEN"] = "x";
              m.machine.cpus = 8;
              m.machine.rootfs = "/srv/other";
          }).empty());
}

TEST_CASE("widening: a new bottle reaches more than none") {
    const auto look = ready_look();
    auto manifest = sample_manifest();
    auto problems = widenings(std::nullopt, manifest, {}, look.desired, look.snapshot);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().text == "bottle docs-writer is new: its guest comes to reach its bundle, which has a way out");
    CHECK(problems.front().place == manifest.place);
    closed(manifest);
    problems = widenings(std::nullopt, manifest, {}, look.desired, look.snapshot);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().text == "bottle docs-writer is new: its guest comes to reach its bundle");
}

TEST_CASE("widening: the mode") {
    const auto socket = [](Manifest& m) { m.network.mode = NetworkMode::Socket; };
    CHECK(said([](Manifest& m) { m.network.mode = NetworkMode::Bridge; }, {}, socket) == Texts{"the mode is bridge, and was socket"});
    CHECK(said([](Manifest& m) { m.network.mode.reset(); }, {}, socket) == Texts{"the mode is bridge, and was socket"});
    CHECK(said([](Manifest& m) { m.network.mode = NetworkMode::TsiLoopback; }).front() == "the mode is tsi-loopback, and was bridge");
    CHECK(said([](Manifest& m) { m.network.mode = NetworkMode::Bridge; }).empty());
}

TEST_CASE("widening: the firewall") {
    CHECK(said([](Manifest& m) { m.network.firewall = "off"; }) == Texts{"the firewall is off: smolvm alone holds the guest to its list"});
    CHECK(said([](Manifest& m) { m.network.firewall = "auto"; }, {}, [](Manifest& m) { m.network.firewall = "off"; }).empty());
    CHECK(said(nullptr, {}, [](Manifest& m) { m.network.firewall = "required"; }).empty());
    const auto gone = [](Look& l) {
        l.desired.firewall.reset();
        l.desired.no_firewall = "not permitted";
    };
    CHECK(said(nullptr, gone) == Texts{"the firewall that stood cannot stand any more: not permitted"});
    CHECK(said(nullptr, [&](Look& l) {
              gone(l);
              l.start().firewalled = false;
          }).empty());
    CHECK(said(nullptr, [&](Look& l) {
              gone(l);
              l.snapshot.stored.value().start.reset();
          }).empty());
}

TEST_CASE("widening: ports of the bundle") {
    CHECK(said([](Manifest& m) { egress(m).ports.push_back({"web", 8080}); }, {}, closed) == Texts{"port 8080 (web) of container egress is new"});
    CHECK(said([](Manifest& m) { egress(m).ports.front().port = 9098; }, {}, closed) == Texts{"port 9098 (proxy) of container egress is new"});
    CHECK(said([](Manifest& m) { egress(m).name = "web"; }, {}, closed) == Texts{"port 9099 (proxy) of container web is new"});
}

TEST_CASE("widening: a way out, and what is known of what goes by it") {
    CHECK(said([](Manifest& m) { m.bundle.external_network = true; }, {}, closed) == Texts{"the bundle gets a way out: bundle.externalNetwork was false"});
    const std::pair<const char*, void (*)(Manifest&)> parts[] = {
        {"image", [](Manifest& m) { egress(m).image = "bottle-egress:2"; }},
        {"entrypoint", [](Manifest& m) { egress(m).entrypoint = Texts{}; }},
        {"command", [](Manifest& m) { egress(m).command = Texts{"-d"}; }},
        {"env", [](Manifest& m) { egress(m).env["MODE"] = "open"; }},
        {"user", [](Manifest& m) { egress(m).user = "0"; }},
        {"volumes", [](Manifest& m) { egress(m).volumes = {{"cache", "/var/cache"}}; }},
        {"capabilities", [](Manifest& m) { egress(m).capabilities.clear(); }},
    };
    for (const auto& [part, change] : parts) {
        INFO(part);
        CHECK(said(change) == Texts{std::string("container egress has another ") + part + ": what it lets through to the outside cannot be told"});
        CHECK(said(change, {}, closed).empty());
    }
    CHECK(said([](Manifest& m) {
              egress(m).image = "x:1";
              egress(m).user = "0";
          }) == Texts{"container egress has another image, user: what it lets through to the outside cannot be told"});
    CHECK(said([](Manifest& m) {
              m.bundle.containers.push_back(egress(m));
              m.bundle.containers.back().name = "web";
              m.bundle.containers.back().ports.clear();
          }) == Texts{"container web is new: what it lets through to the outside cannot be told"});
}

TEST_CASE("widening: the tag is another image than the one that runs") {
    const auto moved = [](Look& l) { l.desired.containers.back().image_id = "sha256:" + std::string(64, 'a'); };
    CHECK(said(nullptr, moved) == Texts{"container egress runs another image than bottle-egress:1 is now: what it lets through to the outside cannot be told"});
    CHECK(said(nullptr, moved, closed).empty());
    CHECK(said(nullptr, [&](Look& l) {
              moved(l);
              l.snapshot.docker.value().containers.clear();
          }).empty());
    CHECK(said(nullptr, [&](Look& l) {
              moved(l);
              for (auto& container : l.snapshot.docker.value().containers) container.is.labels.clear();
          }).empty());
}
