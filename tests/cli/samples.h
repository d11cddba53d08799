#pragma once

#include "cli/age.h"
#include "cli/print_describe.h"
#include "tests/support/sample_bottle.h"

#include <string>

// Plain values that the tests of the printing share.
namespace bottle::sample {

inline constexpr const char* kCreated = "2026-11-24T12:00:00Z";
/// Two days, three hours and some minutes later.
inline std::int64_t now() {
    return *seconds_of("2026-11-26T15:20:30Z");
}

inline std::map<std::string, std::string> since() {
    return {{"Ready", "2026-11-26T15:18:59Z"}, {"Confined", "2026-11-26T15:10:00Z"}, {"Accepted", "2026-11-24T12:00:00Z"}};
}

inline Description description(model::ModelWorld& world, const Manifest& manifest = model::sample_manifest()) {
    Description d;
    d.manifest = manifest;
    d.desired = model::look_and_plan(world, manifest).desired;
    d.snapshot = world.observe(model::scope_of(world, manifest));
    d.row = row_of(manifest, 3, d.desired, d.snapshot);
    d.row.created = kCreated;
    d.row.since = since();
    return d;
}

/// A first apply, a second that failed, and the deletion of what was made by hand; with bytes from outside that are a terminal's own.
inline Records records() {
    Records records;
    records.journal = {
        {1, "docs-writer", "2026-11-24T11:59:50Z", "create network bottle-docs-writer", "absent", "2026-11-24T11:59:50Z", "done"},
        {2, "docs-writer", "2026-11-24T11:59:51Z", "connect bottle-docs-writer-external container bottle-docs-writer-infra", "absent", "2026-11-24T11:59:51Z", "done"},
        {3, "docs-writer", "2026-11-24T11:59:52Z", "make folder /run/bottle/2900000", "of the mounted socket", "2026-11-24T11:59:52Z", "done"},
        {4, "docs-writer", "2026-11-24T11:59:53Z", "start bottle-docs-writer", "not running", "2026-11-24T11:59:55Z", "done"},
        {5, "docs-writer", "2026-11-24T11:59:56Z", "prove bottle-docs-writer", "no proof of this boot", "2026-11-24T11:59:58Z", "done"},
        {6, "docs-writer", "2026-11-24T11:59:59Z", "launch claude", "not running", "2026-11-24T11:59:59Z", "done"},
        {7, "docs-writer", "2026-11-26T15:18:30Z", "stop bottle-docs-writer", "the list is null", "2026-11-26T15:18:31Z", "again later: it is still there"},
        {8, "docs-writer", "2026-11-26T15:18:32Z", "create container bottle-docs-writer-egress", "drifted", "2026-11-26T15:18:33Z", "failed: Docker says 409: \x1b[31mconflict"},
        {9, "docs-writer", "2026-11-26T15:20:00Z", "shrink machine bottle-docs-writer", "of a later version", "", ""},
    };
    records.revisions = {{1, "docs-writer", "2026-11-24T12:00:00Z", 1, "{}"}, {2, "docs-writer", "2026-11-26T15:18:59Z", 2, "{}"}};
    records.transitions = {
        {1, "docs-writer", "2026-11-24T12:00:00Z", "Confined", "True", "Proved", "reaches 10.231.0.2/32 and nothing else"},
        {2, "docs-writer", "2026-11-24T12:00:00Z", "Ready", "True", "AllHold", ""},
        {3, "docs-writer", "2026-11-26T15:18:59Z", "Ready", "False", "BundleReadyDrifted", "bottle-docs-writer-egress: another image"},
    };
    return records;
}

}  // namespace bottle::sample
