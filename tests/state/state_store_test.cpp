#include "controllers/state/state_store.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"
#include "tests/state/raw_database.h"
#include "tests/support/as_user.h"

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>

using namespace bottle;

namespace {

struct Fixture {
    TempFolder top;
    std::string folder = top.file("state");
    std::string path = folder + "/state.db";
};

const Allocation kOne{"10.231.0.0/29", "10.232.0.0/29", 2'900'000};
const Allocation kTwo{"10.231.0.8/29", "10.232.0.8/29", 2'900'001};

std::string refused(const Fixture& place, const std::string& column) {
    return "1: " + place.path + " cannot be written: another bottle holds that already (UNIQUE constraint failed: allocations." + column + ")";
}

}  // namespace

TEST_CASE("a state that is not there reads as empty, and reading makes nothing") {
    const Fixture place;
    StateStore store(place.path);
    CHECK(store.read("docs") == StoredState{});
    CHECK(store.allocations().empty());
    CHECK(store.bottles().empty());
    CHECK_FALSE(store.applied("docs"));
    CHECK(store.transition_times("docs").empty());
    store.save_conditions("docs", {});
    CHECK_FALSE(std::filesystem::exists(place.folder));
}

TEST_CASE("what is recorded is there for the next process") {
    const Fixture place;
    StartRecord start{"boot", 4711, 99, "digest", {{"/lib/libkrun.so", 1, 2, 3, 4, 5}}};
    GuestProof proof;
    proof.key.pid = 4711;
    proof.evidence = {{EvidenceKind::Guest, Verdict::Holds, "refused", "d"}};
    {
        StateStore store(place.path);
        store.reserve("docs", kOne);
        store.reserve("other", kTwo);
        store.save_start("docs", start);
        store.save_proof("docs", proof);
        store.save_provisioned("docs", "4711:99", {{"~/.codex/AGENTS.md", "d1"}});
        store.save_socket("docs", "22:7:5");
        store.save_unproved("docs", Unproved::Started);
    }
    StateStore store(place.path);
    const auto state = store.read("docs");
    CHECK(state.allocation == kOne);
    CHECK(state.start == start);
    CHECK(state.proof == proof);
    CHECK(state.provisioned == std::string("4711:99"));
    CHECK(state.copied == std::map<std::string, std::string>{{"~/.codex/AGENTS.md", "d1"}});
    CHECK(state.socket == std::string("22:7:5"));
    CHECK(state.unproved == Unproved::Started);
    CHECK(state.other_allocations == std::map<std::string, Allocation>{{"other", kTwo}});
    CHECK(store.allocations() == std::map<std::string, Allocation>{{"docs", kOne}, {"other", kTwo}});
    CHECK(store.read("none").other_allocations.size() == 2);

    start.pid = 4712;
    store.save_start("docs", start);
    CHECK(store.read("docs").start == start);
    store.save_unproved("docs", Unproved::Created);
    CHECK(store.read("docs").unproved == Unproved::Created);
    store.save_unproved("docs", std::nullopt);
    CHECK_FALSE(store.read("docs").unproved);
}

TEST_CASE("one that read first can write, and reads what it wrote") {
    const Fixture place;
    StateStore(place.path).reserve("docs", kOne);
    StateStore store(place.path);
    CHECK(store.read("docs").allocation == kOne);
    store.reserve("docs", kTwo);
    CHECK(store.read("docs").allocation == kTwo);
}

TEST_CASE("what one bottle holds no other gets") {
    const Fixture place;
    StateStore store(place.path);
    store.reserve("docs", kOne);
    CHECK(raised([&] { store.reserve("b", {kOne.internal_subnet, "10.232.1.0/29", 2'900'009}); }) == refused(place, "internal_subnet"));
    CHECK(raised([&] { store.reserve("b", {"10.231.1.0/29", kOne.external_subnet, 2'900'009}); }) == refused(place, "external_subnet"));
    CHECK(raised([&] { store.reserve("b", {"10.231.1.0/29", "10.232.1.0/29", kOne.vmm_uid}); }) == refused(place, "vmm_uid"));
    CHECK(store.allocations().size() == 1);

    // Without an external network there is nothing to collide on.
    store.reserve("c", {"10.231.1.0/29", "", 2'900'010});
    store.reserve("d", {"10.231.1.8/29", "", 2'900'011});
    CHECK(store.read("c").allocation->external_subnet.empty());
    // An exchange of its own is fine; one against another's is not, and leaves its own as it was.
    store.reserve("docs", {"10.231.2.0/29", kOne.external_subnet, kOne.vmm_uid});
    CHECK(raised([&] { store.reserve("docs", {"10.231.1.0/29", "", 2'900'000}); }) == refused(place, "internal_subnet"));
    CHECK(store.read("docs").allocation->internal_subnet == "10.231.2.0/29");
}

TEST_CASE("without root a bottle holds no uid, and any number of bottles hold none") {
    const TempFolder top;
    REQUIRE(chown(top.path().c_str(), kNobody, kNobody) == 0);
    const auto path = top.file("state/state.db");
    const Allocation one{"10.231.0.0/29", "10.232.0.0/29", 0};
    const Allocation two{"10.231.0.8/29", "10.232.0.8/29", 0};
    CHECK(true_as_user([&] {
        StateStore store(path);
        store.reserve("one", one);
        store.reserve("two", two);
        return StateStore(path).allocations() == std::map<std::string, Allocation>{{"one", one}, {"two", two}};
    }));
    CHECK_FALSE(true_as_user([&] {
        StateStore(path).reserve("three", {"10.231.0.16/29", "", 2'900'000});
        return true;
    }));
}

TEST_CASE("an allocation that makes no sense is neither taken nor read") {
    const Fixture place;
    StateStore store(place.path);
    for (const auto& bad : {Allocation{"10.231.0.1/29", "", 1}, Allocation{"", "", 1}, Allocation{"10.231.0.0/29", "x", 1}, Allocation{"10.231.0.0/29", "", 0}, Allocation{"10.231.0.0/029", "", 1}}) {
        CHECK(raised([&] { store.reserve("docs", bad); }) == "1: the allocation of docs makes no sense");
    }
    store.reserve("docs", kOne);
    RawDatabase(place.path).exec("UPDATE allocations SET internal_subnet = '10.231.0.0/99'");
    CHECK(raised([&] { store.read("other"); }) == "1: the allocation of docs makes no sense");
}

TEST_CASE("an address of the loopback is kept with the allocation, and an allocation of before there were any is read") {
    const Fixture place;
    auto with_alias = kOne;
    with_alias.alias = "127.0.0.16";
    StateStore(place.path).reserve("docs", kOne);
    StateStore(place.path).reserve("other", kTwo);
    CHECK(StateStore(place.path).allocations().at("docs") == kOne);
    StateStore(place.path).reserve("docs", with_alias);
    CHECK(StateStore(place.path).allocations() == std::map<std::string, Allocation>{{"docs", with_alias}, {"other", kTwo}});
    CHECK(StateStore(place.path).read("other").other_allocations.at("docs") == with_alias);
    for (const auto* wrong : {"127.0.0.1", "127.0.0.32", "0.0.0.0", "127.0.0.016", "x"}) {
        auto allocation = kOne;
        allocation.alias = wrong;
        CHECK(raised([&] { StateStore(place.path).reserve("docs", allocation); }).find("makes no sense") != std::string::npos);
    }
    // One that is given up, as another took it meanwhile, is gone from the record, too.
    StateStore(place.path).reserve("docs", kOne);
    CHECK(StateStore(place.path).allocations().at("docs") == kOne);
    StateStore(place.path).reserve("docs", with_alias);
    StateStore(place.path).forget("docs");
    StateStore(place.path).reserve("docs", kOne);
    CHECK(StateStore(place.path).allocations().at("docs") == kOne);
}

TEST_CASE("forgetting a bottle keeps the journal and the others") {
    const Fixture place;
    StateStore store(place.path);
    store.reserve("docs", kOne);
    store.reserve("other", kTwo);
    store.save_start("docs", {});
    store.save_proof("docs", {});
    store.save_provisioned("docs", "1:2", {});
    store.save_socket("docs", "22:7:5");
    store.save_applied("docs", "{}", "d");
    store.save_conditions("docs", {{"Ready", "True", "", ""}});
    store.journal_end(store.journal_begin("docs", "start machine", "not running"), "done");
    store.forget("docs");
    CHECK(store.read("docs") == StoredState{std::nullopt, std::nullopt, std::nullopt, std::nullopt, {}, std::nullopt, {{"other", kTwo}}, {}, {}, std::nullopt});
    CHECK_FALSE(store.applied("docs"));
    CHECK(store.transition_times("docs").empty());
    CHECK(store.bottles() == std::vector<std::string>{"other"});
    CHECK(RawDatabase(place.path).text("SELECT bottle || '|' || step || '|' || cause || '|' || result FROM journal") == "docs|start machine|not running|done");
    // Its place is free again.
    store.reserve("new", kOne);
}

TEST_CASE("names of bottles are only text") {
    const Fixture place;
    StateStore store(place.path);
    const std::string name = "x'; DROP TABLE allocations; --";
    store.reserve(name, kOne);
    CHECK(store.bottles() == std::vector<std::string>{name});
    CHECK(store.read(name).allocation == kOne);
}

TEST_CASE("an intent without a result stays as that") {
    const Fixture place;
    StateStore store(place.path);
    const auto first = store.journal_begin("docs", "a", "why");
    const auto second = store.journal_begin("docs", "b", "why");
    CHECK(second > first);
    store.journal_end(second, "failed: x");
    const RawDatabase raw(place.path);
    CHECK(raw.text("SELECT count(*) FROM journal WHERE result IS NULL AND ended IS NULL AND step = 'a'") == "1");
    CHECK(raw.text("SELECT count(*) FROM journal WHERE result = 'failed: x' AND ended IS NOT NULL") == "1");
}

TEST_CASE("the generation rises when what is desired changes, and only then") {
    const Fixture place;
    StateStore store(place.path);
    CHECK(store.save_applied("docs", "m1", "d1") == 1);
    CHECK(store.save_applied("docs", "m1", "d1") == 1);
    CHECK(store.save_applied("docs", "m2", "d1") == 1);
    CHECK(store.applied("docs")->manifest == "m2");
    CHECK(store.save_applied("docs", "m2", "d2") == 2);
    CHECK(store.save_applied("docs", "m1", "d1") == 3);
    CHECK(store.applied("docs")->generation == 3);
    CHECK(store.save_applied("other", "m", "d1") == 1);
    CHECK(store.bottles() == std::vector<std::string>{"docs", "other"});
}

TEST_CASE("only a condition's transition is stored") {
    const Fixture place;
    StateStore store(place.path);
    store.save_conditions("docs", {{"Ready", "False", "Starting", ""}, {"Confined", "True", "", ""}});
    RawDatabase(place.path).exec("UPDATE conditions SET since = 'then'");
    store.save_conditions("docs", {{"Ready", "False", "OtherReason", "other words"}, {"Confined", "False", "", ""}, {"Accepted", "True", "", ""}});
    const auto times = store.transition_times("docs");
    CHECK(times.size() == 3);
    CHECK(times.at("Ready") == "then");
    CHECK(times.at("Confined") != "then");
    CHECK(times.at("Accepted").size() == std::string("2026-01-01T00:00:00Z").size());
}

TEST_CASE("looking, and saving what is already so, changes no byte and makes no file") {
    const Fixture place;
    {
        StateStore store(place.path);
        store.reserve("docs", kOne);
        store.save_applied("docs", "m", "d");
        store.save_conditions("docs", {{"Ready", "True", "", ""}});
    }
    const auto bytes = read_file(place.path);
    const auto written = std::filesystem::last_write_time(place.path);
    // Whoever holds this lock keeps all others from writing.
    const RawDatabase writer(place.path);
    writer.exec("BEGIN IMMEDIATE");
    StateStore store(place.path, std::chrono::milliseconds(50));
    store.read("docs");
    store.allocations();
    store.bottles();
    store.applied("docs");
    CHECK(store.save_applied("docs", "m", "d") == 1);
    store.save_conditions("docs", {{"Ready", "True", "Other", "words"}});
    store.transition_times("docs");
    CHECK(read_file(place.path) == bytes);
    CHECK(std::filesystem::last_write_time(place.path) == written);
    CHECK(std::distance(std::filesystem::directory_iterator(place.folder), {}) == 1);
}

TEST_CASE("threads and processes write at once and lose nothing") {
    const Fixture place;
    constexpr int kThreads = 4;
    constexpr int kEntries = 10;
    const auto work = [&](StateStore& store) {
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&store, t] {
                for (int i = 0; i < kEntries; ++i) {
                    store.journal_end(store.journal_begin("b" + std::to_string(t), "s", "c"), "done");
                    store.read("b0");
                }
            });
        }
        for (auto& thread : threads) thread.join();
    };
    const pid_t pid = fork();
    if (pid == 0) {
        StateStore store(place.path, std::chrono::minutes(2));
        work(store);
        _exit(0);
    }
    StateStore store(place.path, std::chrono::minutes(2));
    work(store);
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK(status == 0);
    CHECK(RawDatabase(place.path).text("SELECT count(*) FROM journal WHERE result = 'done'") == std::to_string(2 * kThreads * kEntries));
}
