#include "controllers/machine/machine_controller.h"

#include "controllers/machine/live_channels.h"
#include "controllers/machine/machine_db.h"
#include "controllers/machine/uid_claim.h"
#include "controllers/process/proc_table.h"
#include "controllers/state/digest.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"
#include "reconciler/row.h"
#include "reconciler/row_splice.h"

#include <fmt/format.h>

#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

namespace bottle {
namespace {

constexpr std::chrono::milliseconds kPatience{20'000};

Outcome failed(std::string text, std::string hint = {}) {
    return {Outcome::Kind::Failed, std::move(text), std::move(hint)};
}

Outcome no_smolvm() {
    return failed("smolvm is not on PATH");
}

/// A folder that the VMM's uid must be able to pass, whatever our umask is.
void make_open_folder(const std::string& path) {
    const bool made = mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
    struct stat info {};
    if (!made || lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || chmod(path.c_str(), 0755) != 0) {
        throw Error(Exit::Failed, fmt::format("cannot make {}: {}", path, std::strerror(errno)));
    }
}

/// smolvm's words when the VMM ends, or stands still, before the guest answers (1.32.2): a /dev/kvm that is there and starts no guest looks like this.
Outcome failed_start(const std::string& message) {
    auto outcome = failed(message);
    // A host that goes down right after a first start leaves a folder on the storage disk without what was written into it (1.32.2).
    if (message.find("persistent overlay") != std::string::npos) {
        outcome.hint = "smolvm lost what it had written on the machine's disk, and does not mend it: bottle delete, then apply, makes the machine anew, without its disks";
        return outcome;
    }
    constexpr const char* kSigns[] = {"before the agent was ready", "no boot progress", "Kvm"};
    if (std::none_of(std::begin(kSigns), std::end(kSigns), [&](const char* sign) { return message.find(sign) != std::string::npos; })) return outcome;
    outcome.hint = "this host's /dev/kvm starts no guest: is it a virtual machine without real nested virtualization? see `dmesg`";
    outcome.exit = Exit::Precondition;
    return outcome;
}

/// Now, in the unit and on the clock of a process's start time (field 22 of /proc/PID/stat).
std::uint64_t ticks_since_boot() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    return static_cast<std::uint64_t>(time.tv_sec) * per_second + static_cast<std::uint64_t>(time.tv_nsec) * per_second / 1'000'000'000;
}

Outcome outcome_of(const ProcessResult& result) {
    return result.succeeded() ? Outcome{} : failed(smolvm_message(result));
}

}  // namespace

MachineController::MachineController(MachinePaths paths, std::string machine, std::optional<Smolvm> smolvm, ProcessRunner& runner,
                                     MachineDeadlines deadlines)
    : paths_(std::move(paths)), machine_(std::move(machine)), smolvm_(std::move(smolvm)), runner_(runner), deadlines_(deadlines) {}

ProcessResult MachineController::run(const std::vector<std::string>& arguments, std::chrono::milliseconds deadline) {
    ProcessRequest request;
    request.argv = smolvm_->command(arguments);
    request.environment = smolvm_->environment(paths_);
    request.deadline = deadline;
    return runner_.run(request);
}

void MachineController::make_folders() const {
    make_private_folder(std::filesystem::path(paths_.root).parent_path());
    make_private_folder(std::filesystem::path(paths_.cache).parent_path());
    for (const auto& folder : paths_.open_folders()) make_open_folder(folder);
    for (const auto& folder : paths_.private_folders()) make_private_folder(folder);
}

bool MachineController::none_lives(std::chrono::milliseconds patience) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto processes = find_vmm_processes(paths_.vm_folder);
        const auto held = lock_is_held(paths_.vm_folder + "/vm.lock");
        if (processes.present() && processes->empty() && (held.absent() || (held.present() && !*held))) return true;
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

std::string MachineController::living() const {
    const auto processes = find_vmm_processes(paths_.vm_folder);
    if (!processes.present()) return "processes that cannot be told: " + (processes.unknown() ? processes.why() : std::string());
    if (processes->empty()) return "whoever holds " + paths_.vm_folder + "/vm.lock";
    std::string pids;
    for (const auto& process : *processes) pids += fmt::format("{}{}", pids.empty() ? "process " : ", ", process.pid);
    return pids;
}

Outcome MachineController::act(const CopyImage& action, const ImageDownload& download) {
    if (!none_lives(std::chrono::milliseconds(0))) return failed("the machine still runs: " + living());
    return make_image_copy(action, paths_.image, download);
}

/// The VM folder and a file in smolvm's registry of uids, made before smolvm makes its own choice, which it then takes over (1.4.0, 1.32.2).
/// Without it each state folder's registry begins at 2000000, and two bottles would share a uid.
Outcome MachineController::act(const ClaimUid& action) {
    make_folders();
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::symlink_status(paths_.vm_folder, error))) make_open_folder(paths_.vm_folder);
    const auto file = fmt::format("{}/{}", paths_.uid_claims, action.uid);
    // Whole at once, by a second name for a file that is whole: a crash leaves no empty claim that nobody could tell from another machine's.
    const auto beside = paths_.root + "/claim";
    write_private_file(beside, paths_.vm_key);
    const bool made = link_private_file(beside, file);
    unlink(beside.c_str());
    if (!made && read_private_file(file) != paths_.vm_key) return failed(file + " is claimed by another machine");
    return {};
}

Outcome MachineController::act(const CreateMachine& action) {
    if (!smolvm_) return no_smolvm();
    make_folders();
    return outcome_of(run(create_arguments(action.machine, smolvm_->build), deadlines_.other));
}

Outcome MachineController::act(const UpdateMachine& action) {
    if (!smolvm_) return no_smolvm();
    return outcome_of(run(update_arguments(action.machine, smolvm_->build), deadlines_.other));
}

Outcome MachineController::act(const SetAllowlist& action) {
    const auto now = row();
    if (!now.present()) return failed(now.unknown() ? now.why() : "the machine's row is gone");
    if (!action.expected_row.empty() && now->data != action.expected_row) return failed("the row changed since it was looked at");
    const auto replacement = action.cidr.empty() ? splice_offline(now->data)
                             : action.tsi        ? splice_loopback(now->data, action.cidr)
                                                 : splice_allowlist(now->data, action.cidr);
    const auto problem = replace_machine_row(paths_.database, machine_, *now, replacement, kPatience);
    return problem.empty() ? Outcome{} : failed("the allowlist could not be set: " + problem);
}

Outcome MachineController::verify_before_start(const Machine& desired, StartRecord& record) const {
    const auto build = verify_build(*smolvm_);
    if (!build.problem.empty()) return failed(build.problem, fmt::format("python3 -m pip download --no-deps smolmachines=={}   has the measured build", smolvm_->build.version));
    const auto now = row();
    if (!now.present()) return failed("the row cannot be read again before the start: " + (now.unknown() ? now.why() : std::string("it is gone")));
    if (!now->is_blob) return failed("the row is TEXT: smolvm cannot read it");
    if (const auto problems = compare_row(now->data, desired, RowStage::Confined); !problems.empty()) return failed("the row is not as verified: " + problems.front().text);
    record.row_digest = sha256_hex(row_digest_material(now->data));
    record.binaries = build.files;
    // What an earlier boot left behind: a trace of a live change, and sockets that would look like open channels.
    if (const auto problem = clear_channels(paths_.vm_folder); !problem.empty()) return failed(problem);
    if (geteuid() != 0) {
        if (const auto problem = shut_folder(paths_.vm_folder); !problem.empty()) return failed(problem);
    }
    const auto config = paths_.vm_folder + "/agent.config.json";
    return remove_if_there(config) ? Outcome{} : failed(fmt::format("cannot remove {} of an earlier boot: {}", config, std::strerror(errno)));
}

Outcome MachineController::start(const Machine& desired, const std::string& boot_id, std::chrono::milliseconds bound, StartRecord& record) {
    if (!smolvm_) return no_smolvm();
    // An earlier guard of ours would kill what the next one starts.
    guard_.reset();
    if (!none_lives(std::chrono::milliseconds(0))) return failed("a machine of this folder runs already: " + living());
    record = {boot_id, 0, 0, {}, {}, record.firewalled};
    if (auto outcome = verify_before_start(desired, record); outcome.kind != Outcome::Kind::Done) return outcome;
    const auto earliest = ticks_since_boot();
    guard_ = Guard::start(smolvm_->command(start_arguments(machine_)), smolvm_->environment(paths_), paths_.vm_folder, deadlines_.start, bound);
    const auto result = guard_->wait_started();
    auto outcome = result.succeeded() ? read_boot(earliest, record) : failed_start(smolvm_message(result));
    if (outcome.kind != Outcome::Kind::Done) guard_.reset();
    return outcome;
}

/// smolvm's word that it started is worth nothing: there must be one VMM, younger than our look at the row, and it must come from the smolvm that
/// our guard started: only what that one left behind can have the guard for its parent.
Outcome MachineController::read_boot(std::uint64_t earliest, StartRecord& record) const {
    const auto processes = find_vmm_processes(paths_.vm_folder);
    if (!processes.present()) return failed("smolvm says that it started, and its process cannot be read: " + (processes.unknown() ? processes.why() : std::string()));
    if (processes->size() != 1) return failed(fmt::format("smolvm says that it started, and {} processes of the machine are there, not one", processes->size()));
    if (processes->front().start_time < earliest) return failed("smolvm says that it started, and the machine's process is older than the start");
    if (!descends_from(processes->front().pid, guard_->pid())) return failed("smolvm says that it started, and the machine's process was not made by it");
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
    const auto problem = seal_channels(paths_.vm_folder);
    return problem.empty() ? Outcome{} : failed("live changes cannot be ruled out: " + problem);
}

Outcome MachineController::act(const StopMachine&) {
    std::string said;
    if (smolvm_) {
        const auto result = run(stop_arguments(machine_), deadlines_.stop);
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
    auto outcome = failed(fmt::format("UNSAFE: the machine could not be stopped: {} lives{}", living(), said.empty() ? "" : " (" + said + ")"),
                          "end that process by hand, as root; the internal network is kept, so that it leads nowhere else");
    outcome.exit = Exit::Unsafe;
    return outcome;
}

Outcome MachineController::set_paused(bool paused) {
    const auto before = find_vmm_processes(paths_.vm_folder);
    if (!before.present() || before->size() != 1) return failed("there is no one process of the machine that could be " + std::string(paused ? "paused" : "resumed"));
    const auto& vmm = before->front();
    if (!signal_process(vmm.pid, vmm.start_time, paused ? SIGSTOP : SIGCONT)) return failed(fmt::format("process {} of the machine takes no signal", vmm.pid));
    // The kernel stops each of its threads by itself.
    constexpr int kLooks = 100;
    for (int look = 0; look < kLooks; ++look) {
        const auto now = find_vmm_processes(paths_.vm_folder);
        if (now.present() && now->size() == 1 && now->front().pid == vmm.pid && now->front().paused == paused) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return failed(fmt::format("process {} of the machine was told to {}, and did not", vmm.pid, paused ? "stop" : "go on"));
}

Outcome MachineController::act(const PauseMachine&) {
    return set_paused(true);
}

Outcome MachineController::act(const ResumeMachine&) {
    return set_paused(false);
}

Outcome MachineController::act(const DeleteMachine&) {
    if (!none_lives(std::chrono::milliseconds(0))) return failed("the machine still runs: " + living());
    if (!smolvm_) return no_smolvm();
    const auto outcome = outcome_of(run(delete_arguments(machine_, smolvm_->build), deadlines_.other));
    if (outcome.kind != Outcome::Kind::Done) return outcome;
    const auto now = row();
    if (!now.absent()) return failed("smolvm says that it deleted the machine, and its row " + (now.unknown() ? "cannot be read: " + now.why() : std::string("is still there")));
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(paths_.vm_folder, error))) return failed("smolvm says that it deleted the machine, and its folder is still there");
    // 1.32.2 takes the claim away with a machine that was started, and leaves that of one that never was.
    const auto claim = uid_claim(paths_);
    if (claim.present() && !remove_if_there(fmt::format("{}/{}", paths_.uid_claims, *claim))) return failed("cannot remove the machine's claim of its uid");
    return {};
}

}  // namespace bottle
