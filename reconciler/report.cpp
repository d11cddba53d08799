#include "reconciler/report.h"

#include "reconciler/agent_files.h"

#include <fmt/format.h>

#include <algorithm>

namespace bottle {
namespace {

Condition yes(std::string type, std::string reason, std::string message = {}) {
    return {std::move(type), "True", std::move(reason), std::move(message)};
}
Condition no(std::string type, std::string reason, std::string message) {
    return {std::move(type), "False", std::move(reason), std::move(message)};
}
Condition unknown(std::string type, std::string message) {
    return {std::move(type), "Unknown", "NotReadable", std::move(message)};
}

Condition accepted(const Desired& desired) {
    if (!desired.not_allowed.empty()) return no("Accepted", "NotAllowed", desired.not_allowed.front().text);
    if (desired.problems.empty()) return yes("Accepted", "Valid");
    return no("Accepted", "Refused", desired.problems.front().text);
}

/// The first change of one kind, or none.
const Change* first_change(const std::vector<Change>& changes, const std::string& kind) {
    const auto found = std::find_if(changes.begin(), changes.end(), [&](const Change& c) { return c.kind == kind; });
    return found == changes.end() ? nullptr : &*found;
}

Condition docker_condition(const char* type, const std::string& kind, const Snapshot& snapshot, const std::vector<Change>& changes) {
    if (!snapshot.docker.present()) return unknown(type, snapshot.docker.unknown() ? snapshot.docker.why() : "Docker is not there");
    const auto* change = first_change(changes, kind);
    if (change == nullptr) return yes(type, "AsDesired");
    return no(type, change->what == Change::What::Missing ? "Absent" : "Drifted", fmt::format("{} {}", change->name, change->cause));
}

Condition machine_ready(const Snapshot& snapshot) {
    switch (life_of(snapshot.machine)) {
        case Life::Alive: return is_paused(snapshot.machine) ? no("MachineReady", "Paused", "it is paused") : yes("MachineReady", "Running");
        case Life::Unknown: return unknown("MachineReady", "it cannot be told whether it runs");
        case Life::Dead: break;
    }
    return snapshot.machine.row.absent() ? no("MachineReady", "Absent", "there is no machine yet") : no("MachineReady", "Stopped", "it does not run");
}

Condition confined(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes) {
    if (life_of(snapshot.machine) == Life::Dead) return no("Confined", "NotRunning", "no machine runs");
    const auto evidence = all_evidence(desired, snapshot, changes);
    switch (judge(desired.required, evidence)) {
        case Verdict::Holds: return yes("Confined", "Proved", fmt::format("reaches {} and nothing else", desired.machine.socket ? "its bundle's proxy by a socket" : desired.machine.allowed_cidr));
        case Verdict::Fails: return no("Confined", "EvidenceFails", first_doubt(evidence));
        case Verdict::Unknown: break;
    }
    return {"Confined", "Unknown", "NotProved", first_doubt(evidence)};
}

Condition provisioned(const Desired& desired, const Snapshot& snapshot) {
    const auto& processes = snapshot.machine.processes;
    if (!snapshot.stored.present()) return unknown("Provisioned", "our own records could not be read");
    if (!processes.present() || processes->size() != 1) return no("Provisioned", "NotRunning", "no machine runs");
    const auto vmm = fmt::format("{}:{}", processes->front().pid, processes->front().start_time);
    if (snapshot.stored->provisioned != vmm) return no("Provisioned", "NotDone", "not in this boot");
    const auto doubt = copies_doubt(desired, *snapshot.stored);
    return doubt.empty() ? yes("Provisioned", "Done") : no("Provisioned", "Outdated", doubt);
}

Condition workload_running(const Desired& desired, const Snapshot& snapshot) {
    if (!desired.workload) return yes("WorkloadRunning", "NoneAsked", "the manifest names no command");
    if (snapshot.workload.unknown()) return unknown("WorkloadRunning", snapshot.workload.why());
    if (snapshot.workload.absent()) return no("WorkloadRunning", "NotLaunched", "not launched in this boot");
    if (std::holds_alternative<WorkloadRunning>(snapshot.workload->state)) return yes("WorkloadRunning", "Running");
    if (const auto* exited = std::get_if<WorkloadExited>(&snapshot.workload->state)) {
        return no("WorkloadRunning", exited->code == 0 ? "Completed" : "Failed", fmt::format("exited with {}", exited->code));
    }
    return no("WorkloadRunning", "Lost", "who held the agent's command died");
}

Condition ready(const std::vector<Condition>& others) {
    for (const auto& other : others) {
        const bool completed = other.type == "WorkloadRunning" && other.reason == "Completed";
        if (other.status != "True" && !completed) return {"Ready", other.status, other.type + other.reason, other.message};
    }
    return yes("Ready", "AllHold");
}

}  // namespace

std::vector<Condition> conditions(const Desired& desired, const Snapshot& snapshot) {
    const auto changes = diff_host(desired, snapshot);
    std::vector<Condition> all = {
        accepted(desired),
        docker_condition("NetworkReady", "network", snapshot, changes),
        docker_condition("BundleReady", "container", snapshot, changes),
        machine_ready(snapshot),
        confined(desired, snapshot, changes),
        provisioned(desired, snapshot),
        workload_running(desired, snapshot),
    };
    all.push_back(ready(all));
    return all;
}

const Condition& condition(const std::vector<Condition>& all, const std::string& type) {
    return *std::find_if(all.begin(), all.end(), [&](const Condition& c) { return c.type == type; });
}

Exit exit_of_diff(const Plan& plan) {
    if (!plan.refusals.empty()) return plan.refused;
    return plan.steps.empty() ? Exit::Ok : Exit::Failed;
}

}  // namespace bottle
