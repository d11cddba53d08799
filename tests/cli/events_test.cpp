#include "cli/print_events.h"
#include "manifests/stored_manifest.h"
#include "tests/cli/samples.h"
#include "tests/support/golden.h"

#include <catch2/catch.hpp>

using namespace bottle;

namespace {

Revision revision(std::int64_t entry, const std::string& time, const Manifest& manifest) {
    return {entry, "docs-writer", time, entry, to_stored_text(manifest)};
}

}  // namespace

TEST_CASE("golden: events, of one bottle and of all") {
    const auto all = events(sample::records());
    check_golden("cli/events.txt", events_table(all, false, sample::now(), {}));
    check_golden("cli/events-of-all.txt", events_table(all, true, sample::now(), {100, false}));
    check_golden("cli/events.json", events_json(all));
    CHECK(events_json_lines({all.front()}) ==
          R"({"bottle":"docs-writer","message":"absent","object":"network/bottle-docs-writer","reason":"Created","time":"2026-11-24T11:59:50Z","type":"Normal"})"
          "\n");
    CHECK(events_json_lines({}).empty());
}

TEST_CASE("events since a time are those of that time and later") {
    const auto all = events(sample::records());
    CHECK(since(all, "").size() == all.size());
    CHECK(since(all, "2026-11-26T15:18:33Z").front().reason == "FailedCreate");
    CHECK(since(all, "2026-11-26T15:18:34Z").front().reason == "Applied");
    CHECK(since(all, "2027-01-01T00:00:00Z").empty());
}

TEST_CASE("a step that is ended is another event than the same step begun") {
    JournalEntry entry{7, "docs", "2026-11-24T12:00:00Z", "start bottle-docs", "not running", "", ""};
    const auto begun = events({{entry}, {}, {}}).front();
    CHECK(begun.reason == "BegunStart");
    CHECK(begun.type == "Normal");
    entry.ended = "2026-11-24T12:00:09Z";
    entry.result = "done";
    const auto ended = events({{entry}, {}, {}}).front();
    CHECK(ended.reason == "Started");
    CHECK(ended.id != begun.id);
    CHECK(ended.time == "2026-11-24T12:00:09Z");
    CHECK(ended.object == "machine/bottle-docs");
    entry.result = "failed: no";
    CHECK(events({{entry}, {}, {}}).front().type == "Warning");
    entry.step = "";
    CHECK(events({{entry}, {}, {}}).front().object == "?");
}

TEST_CASE("golden: what each manifest changed, and what came of it") {
    auto manifest = model::sample_manifest();
    Records records;
    records.revisions.push_back(revision(1, "", manifest));
    manifest.place.line = 9;
    records.revisions.push_back(revision(2, "2026-11-24T12:00:00Z", manifest));
    manifest.machine.cpus = 4;
    manifest.agent.env = {{"API_TOKEN", "sentinel-7f3a"}};
    manifest.labels = {{"team", "ops"}, {"tier", "web"}};
    records.revisions.push_back(revision(3, "2026-11-25T12:00:00Z", manifest));
    auto second = manifest.bundle.containers.front();
    second.name = "git";
    second.ports = {};
    manifest.bundle.containers.front().image = "bottle-egress:2";
    manifest.bundle.containers.front().env = {{"MODE", "sentinel-7f3a"}};
    manifest.bundle.containers.insert(manifest.bundle.containers.begin(), second);
    manifest.network.mode = NetworkMode::Socket;
    records.revisions.push_back(revision(4, "2026-11-26T15:00:00Z", manifest));
    manifest.bundle.containers.clear();
    records.revisions.push_back(revision(5, "2026-11-26T15:20:00Z", manifest));
    records.revisions.push_back({6, "docs-writer", "2026-11-26T15:20:10Z", 6, "{not json"});
    records.transitions = {{1, "docs-writer", "2026-11-24T12:00:00Z", "Ready", "False", "BundleReadyAbsent", "absent"},
                           {2, "docs-writer", "2026-11-25T12:00:00Z", "Ready", "True", "AllHold", ""},
                           {3, "docs-writer", "2026-11-26T15:00:01Z", "Ready", "Unknown", "ConfinedNotProved", "\x1b[2J"},
                           {4, "docs-writer", "2026-11-26T15:00:02Z", "Confined", "False", "NotRunning", "no machine runs"}};
    const auto lines = history(records);
    const auto text = history_table(lines, sample::now(), {});
    const auto document = history_json("docs-writer", lines);
    check_golden("cli/history.txt", text);
    check_golden("cli/history.json", document);
    CHECK((text + document).find("sentinel-7f3a") == std::string::npos);
}
