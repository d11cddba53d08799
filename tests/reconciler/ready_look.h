#pragma once

#include "tests/support/sample_bottle.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <string>

namespace bottle::model {

/// One look at a world in which the sample is Ready, and what is desired of it: for tests that change one thing and ask one function.
struct Look {
    Snapshot snapshot;
    Desired desired;

    MachineView& machine() { return snapshot.machine; }
    VmmProcess& vmm() { return snapshot.machine.processes.value().front(); }
    StartRecord& start() { return *snapshot.stored.value().start; }
    GuestProof& proof() { return *snapshot.stored.value().proof; }
    void change_row(const std::function<void(nlohmann::json&)>& change) {
        auto row = nlohmann::json::parse(snapshot.machine.row->data);
        change(row);
        snapshot.machine.row.value().data = row.dump();
    }
};

inline Look ready_look() {
    static const Look look = [] {
        auto world = ready_world();
        Look made;
        made.snapshot = world.observe(scope_of(world, sample_manifest()));
        made.desired = desire(sample_manifest(), {}, *world.stored.allocation, made.snapshot, test_digest());
        return made;
    }();
    return look;
}

/// What is changed in the look, and what is to be said of it.
struct LookCase {
    std::string says;
    std::function<void(Look&)> change;
};

}  // namespace bottle::model
