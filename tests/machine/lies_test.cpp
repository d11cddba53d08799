#include "tests/machine/machine_place.h"

#include "controllers/process/proc_table.h"
#include "reconciler/row.h"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

using namespace bottle;

// A smolvm that fails, hangs and lies. Whatever it says, what runs afterwards is what bottle says it is: nothing, or one machine of its own start.

namespace {

constexpr std::chrono::seconds kBound{60};
constexpr MachineDeadlines kShort{std::chrono::seconds(3), std::chrono::seconds(3), std::chrono::seconds(3)};

std::size_t living(const MachinePlace& place) {
    const auto processes = find_vmm_processes(place.paths.vm_folder);
    REQUIRE(processes.present());
    return processes->size();
}

bool becomes(std::size_t count, const MachinePlace& place) {
    for (int i = 0; i < 600 && living(place) != count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return living(place) == count;
}

}  // namespace

TEST_CASE("a start of our own is recorded, sealed, released and stopped") {
    MachinePlace place(kStandIn);
    place.make();
    StartRecord record;
    REQUIRE(place.controller.start(place.machine, "boot", kBound, record).text.empty());
    auto view = place.controller.observe();
    REQUIRE(view.processes->size() == 1);
    const auto& vmm = view.processes->front();
    CHECK(record.pid == vmm.pid);
    CHECK(record.start_time == vmm.start_time);
    CHECK(record.boot_id == "boot");
    CHECK(record.row_digest == *view.row_digest);
    CHECK(record.binaries.size() == 3);
    CHECK(vmm.libraries.size() == 2);
    if (geteuid() == 0) CHECK(vmm.uid == 2'900'123);
    CHECK(*view.live_channels == std::set<std::string>{"control.sock", "egress.sock", "ports.sock"});

    REQUIRE(place.controller.act(SealMachine{}).text.empty());
    CHECK(place.controller.observe().live_channels->empty());
    CHECK(place.controller.release_guard());
    CHECK(living(place) == 1);

    // Another start, and a delete, of what runs are refused.
    StartRecord again;
    CHECK(place.controller.start(place.machine, "boot", kBound, again).text.find("runs already") != std::string::npos);
    CHECK(place.controller.act(DeleteMachine{}).text.find("still runs") != std::string::npos);
    CHECK(living(place) == 1);

    CHECK(place.controller.act(StopMachine{}).text.empty());
    CHECK(living(place) == 0);
}

TEST_CASE("a start that fails or lies leaves nothing running") {
    const char* orders[] = {"start fail", "start lie", "start late", "start two", "start orphan", "start late-orphan", "start hang", "start chatter", "start garbage"};
    for (const auto* order : orders) DYNAMIC_SECTION(order) {
        MachinePlace place(kStandIn, kShort);
        place.make();
        place.order(order);
        StartRecord record;
        const auto outcome = place.controller.start(place.machine, "boot", kBound, record);
        INFO(outcome.text);
        CHECK(outcome.kind == Outcome::Kind::Failed);
        CHECK_FALSE(outcome.text.empty());
        CHECK(living(place) == 0);
        // Nothing comes late either.
        std::this_thread::sleep_for(std::chrono::milliseconds(600));
        CHECK(living(place) == 0);
    }
}

TEST_CASE("a stop that fails, lies or hangs is done without smolvm") {
    for (const auto* order : {"stop fail", "stop lie", "stop hang", "stop garbage"}) DYNAMIC_SECTION(order) {
        MachinePlace place(kStandIn, kShort);
        place.make();
        StartRecord record;
        REQUIRE(place.controller.start(place.machine, "boot", kBound, record).text.empty());
        REQUIRE(place.controller.release_guard());
        place.order(order);
        CHECK(place.controller.act(StopMachine{}).text.empty());
        CHECK(living(place) == 0);
    }
}

TEST_CASE("a delete, create or update that lies is seen") {
    MachinePlace place(kStandIn, kShort);
    place.make();
    place.order("delete lie");
    CHECK(place.controller.act(DeleteMachine{}).text.find("still there") != std::string::npos);
    place.order("delete hang");
    CHECK(place.controller.act(DeleteMachine{}).kind == Outcome::Kind::Failed);
    place.order("update lie");
    auto larger = place.machine;
    larger.cpus = 2;
    CHECK(place.controller.act(UpdateMachine{larger}).kind == Outcome::Kind::Done);
    // Done by its own word; the row says what is.
    CHECK_FALSE(compare_row(place.row_text(), larger, RowStage::Confined).empty());
}

TEST_CASE("other code than the measured is never started") {
    MachinePlace place(kStandIn);
    place.make();
    auto smolvm = place.smolvm;
    smolvm.build.digests["libkrun.so"] = std::string(64, '0');
    MachineController controller(place.paths, place.machine.name, smolvm, place.runner);
    StartRecord record;
    const auto outcome = controller.start(place.machine, "boot", kBound, record);
    CHECK(outcome.text.find("libkrun.so") != std::string::npos);
    CHECK(outcome.text.find("measured") != std::string::npos);
    CHECK(living(place) == 0);
}

TEST_CASE("an unproved machine dies with bottle") {
    MachinePlace place(kStandIn);
    place.make();
    const pid_t child = fork();
    if (child == 0) {
        // In a group of its own, which is killed whole.
        setpgid(0, 0);
        StartRecord record;
        place.controller.start(place.machine, "boot", kBound, record);
        for (;;) pause();
    }
    REQUIRE(becomes(1, place));
    kill(child, SIGKILL);
    kill(-child, SIGKILL);
    waitpid(child, nullptr, 0);
    CHECK(becomes(0, place));
}

TEST_CASE("bottle killed while a start is in flight: what appears later is killed as well") {
    for (const auto* order : {"start late-orphan", "start hang", "start orphan"}) DYNAMIC_SECTION(order) {
        MachinePlace place(kStandIn);
        place.make();
        place.order(order);
        const pid_t child = fork();
        if (child == 0) {
            setpgid(0, 0);
            StartRecord record;
            place.controller.start(place.machine, "boot", kBound, record);
            _exit(0);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        kill(child, SIGKILL);
        kill(-child, SIGKILL);
        waitpid(child, nullptr, 0);
        std::this_thread::sleep_for(std::chrono::seconds(1));
        CHECK(becomes(0, place));
    }
}

TEST_CASE("an unproved machine does not outlive its bound") {
    MachinePlace place(kStandIn);
    place.make();
    StartRecord record;
    REQUIRE(place.controller.start(place.machine, "boot", std::chrono::seconds(2), record).text.empty());
    CHECK(living(place) == 1);
    CHECK(becomes(0, place));
    CHECK_FALSE(place.controller.release_guard());
}
