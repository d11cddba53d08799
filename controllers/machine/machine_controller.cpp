#include "controllers/machine/machine_controller.h"

#include "controllers/machine/machine_db.h"
#include "controllers/process/proc_table.h"
#include "controllers/state/digest.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"
#include "reconciler/row.h"
#include "reconciler/row_splice.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

namespace bottle {
namespace {

constexpr std::chrono::milliseconds kPatience{20'000};
/// Wide: on an emulated processor a start takes half a minute, and is a second on a real one.
constexpr std::chrono::milliseconds kStartDeadline{180'000};
constexpr std::chrono::milliseconds kShortDeadline{60'000};

Outcome failed(std::string text, std::string hint = {}) {
    return {Outcome::Kind::Failed, std::move(text), std::move(hint)};
}

/// A folder that the VMM's uid must be able to pass.
void make_open_folder(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error || chmod(path.c_str(), 0755) != 0) throw Error(Exit::Failed, fmt::format("cannot make {}", path));
}

/// smolvm's words when the VMM ends before the guest answers (1.32.2): a /dev/kvm that is there and starts no guest looks like this.
Outcome failed_start(const std::string& message) {
    auto outcome = failed(message);
    if (message.find("before the agent was ready") == std::string::npos && message.find("Kvm") == std::string::npos) return outcome;
    outcome.hint = "this host's /dev/kvm starts no guest: is it a virtual machine without real nested virtualization? see `dmesg`";
    outcome.exit = Exit::Precondition;
    return outcome;
}

bool remove_if_there(const std::string& path) {
    return unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR;
}

}  // namespace

MachineController::MachineController(MachinePaths paths, std::string machine, std::optional<Smolvm> smolvm, ProcessRunner& runner)
    : paths_(std::move(paths)), machine_(std::move(machine)), smolvm_(std::move(smolvm)), runner_(runner) {}

ProcessResult MachineController::run(const std::vector<std::string>& arguments, std::chrono::milliseconds deadline) {
    ProcessRequest request;
    request.argv = {smolvm_->program};
    request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
    request.environment = smolvm_->environment(paths_);
    request.deadline = deadline;
    return runner_.run(request);
}

Outcome MachineController::outcome_of(const ProcessResult& result) const {
    if (result.succeeded()) return {};
    return failed(smolvm_message(result));
}

void MachineController::make_folders() const {
    make_private_folder(std::filesystem::path(paths_.root).parent_path());
    for (const auto* folder : {"", "/data", "/cache", "/run", "/config", "/home"}) make_open_folder(paths_.root + folder);
}

bool MachineController::none_lives(std::chrono::milliseconds patience) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto processes = find_vmm_processes(paths_.vm_folder);
        if (processes.present() && processes->empty()) return true;
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

/// The VM folder and a file in smolvm's registry of uids, made before smolvm makes its own choice, which it then takes over (1.4.0, 1.32.2).
/// Without it each state folder's registry begins at 2000000, and two bottles would share a uid.
Outcome MachineController::act(const ClaimUid& action) {
    make_folders();
    make_open_folder(paths_.uid_claims);
    std::error_code error;
    if (!std::filesystem::exists(paths_.vm_folder, error)) make_open_folder(paths_.vm_folder);
    const auto file = fmt::format("{}/{}", paths_.uid_claims, action.uid);
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST) return read_private_file(file) == paths_.vm_key ? Outcome{} : failed(file + " is claimed by another machine");
    if (fd < 0) return failed(fmt::format("cannot make {}: {}", file, std::strerror(errno)));
    const bool written = write(fd, paths_.vm_key.data(), paths_.vm_key.size()) == static_cast<ssize_t>(paths_.vm_key.size()) && fsync(fd) == 0;
    close(fd);
    if (!written) unlink(file.c_str());
    return written ? Outcome{} : failed("cannot write " + file);
}

Outcome MachineController::act(const CreateMachine& action) {
    if (!smolvm_) return failed("smolvm is not on PATH");
    make_folders();
    return outcome_of(run(create_arguments(action.machine), kShortDeadline));
}

Outcome MachineController::act(const UpdateMachine& action) {
    if (!smolvm_) return failed("smolvm is not on PATH");
    return outcome_of(run(update_arguments(action.machine), kShortDeadline));
}

Outcome MachineController::act(const SetAllowlist& action) {
    const auto now = row();
    if (!now.present()) return failed(now.unknown() ? now.why() : "the machine's row is gone");
    if (!action.expected_row.empty() && now->data != action.expected_row) return failed("the row changed since it was looked at");
    const auto replacement = splice_allowlist(now->data, action.cidr);
    const auto problem = replace_machine_row(paths_.database, machine_, *now, replacement, kPatience);
    return problem.empty() ? Outcome{} : failed("the allowlist could not be set: " + problem);
}

Outcome MachineController::start(const Machine& desired, const std::string& boot_id, std::chrono::milliseconds bound, StartRecord& record) {
    if (!smolvm_) return failed("smolvm is not on PATH");
    if (const auto problem = unmeasured_build(*smolvm_); !problem.empty()) return failed(problem, "tools: install the wheel smolmachines 1.32.2");
    const auto now = row();
    if (!now.present() || !now->is_blob) return failed("the row cannot be read again before the start");
    if (const auto problems = compare_row(now->data, desired, RowStage::Confined); !problems.empty()) return failed("the row is not as verified: " + problems.front().text);
    record = {boot_id, 0, 0, sha256_hex(row_digest_material(now->data)), {}};
    for (const auto& file : smolvm_->trusted_files()) {
        const auto identity = identify_file(file);
        if (!identity) return failed(file + " is gone");
        record.binaries.push_back(*identity);
    }
    // What an earlier boot left behind: a trace of a live change, and sockets that would look like open channels.
    for (const auto* name : {"egress-update.lock", "egress.sock", "ports.sock", "control.sock", "agent.config.json"}) {
        if (!remove_if_there(paths_.vm_folder + "/" + name)) return failed(fmt::format("cannot remove {} of an earlier boot", name));
    }
    auto arguments = start_arguments(machine_);
    arguments.insert(arguments.begin(), smolvm_->program);
    guard_ = Guard::start(arguments, smolvm_->environment(paths_), paths_.vm_folder, kStartDeadline, bound);
    const auto result = guard_->wait_started();
    if (!result.succeeded()) {
        guard_.reset();
        return failed_start(smolvm_message(result));
    }
    const auto processes = find_vmm_processes(paths_.vm_folder);
    if (!processes.present() || processes->size() != 1) return failed("smolvm says that it started, and no process of the machine is there");
    record.pid = processes->front().pid;
    record.start_time = processes->front().start_time;
    return {};
}

bool MachineController::release_guard() {
    if (!guard_) return true;
    const bool guarded = guard_->release();
    guard_.reset();
    return guarded;
}

Outcome MachineController::act(const SealMachine&) {
    for (const auto* name : {"egress.sock", "ports.sock", "control.sock"}) {
        if (!remove_if_there(paths_.vm_folder + "/" + name)) return failed(fmt::format("cannot remove {}: {}", name, std::strerror(errno)));
    }
    return {};
}

Outcome MachineController::act(const StopMachine&) {
    std::string said;
    if (smolvm_) {
        const auto result = run(stop_arguments(machine_), std::chrono::seconds(30));
        if (!result.succeeded()) said = smolvm_message(result);
    }
    guard_.reset();
    constexpr int kRounds = 3;
    for (int round = 0; round < kRounds && !none_lives(std::chrono::seconds(1)); ++round) {
        const auto processes = find_vmm_processes(paths_.vm_folder);
        if (!processes.present()) continue;
        for (const auto& process : *processes) kill_and_confirm(process.pid, process.start_time, std::chrono::seconds(5));
    }
    if (none_lives(std::chrono::milliseconds(0))) return {};
    return failed("the machine could not be stopped" + (said.empty() ? "" : " (" + said + ")"), "kill its process by hand, as root");
}

Outcome MachineController::act(const DeleteMachine&) {
    if (!none_lives(std::chrono::milliseconds(0))) return failed("the machine still runs");
    if (!smolvm_) return failed("smolvm is not on PATH");
    const auto outcome = outcome_of(run(delete_arguments(machine_), kShortDeadline));
    if (outcome.kind != Outcome::Kind::Done) return outcome;
    std::error_code error;
    if (std::filesystem::exists(paths_.vm_folder, error)) return failed("smolvm says that it deleted the machine, and its folder is still there");
    return {};
}

}  // namespace bottle
