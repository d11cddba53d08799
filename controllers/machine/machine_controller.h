#pragma once

#include "controllers/machine/guard.h"
#include "controllers/machine/image_copy.h"
#include "controllers/machine/machine_paths.h"
#include "controllers/machine/smolvm.h"
#include "reconciler/world.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace bottle {

/// How long smolvm may take.
struct MachineDeadlines {
    /// Wide: on an emulated processor a start takes half a minute, and is a second on a real one.
    std::chrono::milliseconds start{180'000};
    /// It takes half a second; after this the processes are ended without smolvm.
    std::chrono::milliseconds stop{30'000};
    std::chrono::milliseconds other{60'000};
};

/// smolvm's hands and eyes for one machine.
class MachineController {
public:
    /// `smolvm`: nothing when there is none on PATH; looking, and stopping, work without it.
    MachineController(MachinePaths paths, std::string machine, std::optional<Smolvm> smolvm, ProcessRunner& runner, MachineDeadlines deadlines = {});

    /// Row, VM folder, processes, lock, running configuration, live channels, uid claim; and the image's copy, where `image_source` names what
    /// shall have one. Starts no program and writes nothing.
    MachineView observe(const ImageSource& image_source = {});

    /// `download`: for an image of Docker's.
    Outcome act(const CopyImage& action, const ImageDownload& download);
    Outcome act(const ClaimUid& action);
    Outcome act(const CreateMachine& action);
    Outcome act(const UpdateMachine& action);
    Outcome act(const SetAllowlist& action);
    Outcome act(const SealMachine& action);
    /// Ends every VMM of the folder, by smolvm where it answers, through pidfds otherwise; Done only when none is left.
    Outcome act(const StopMachine& action);
    /// SIGSTOP to its one VMM, seen to be stopped afterwards; smolvm's own pause takes no machine whose root file system is a folder (1.32.2).
    Outcome act(const PauseMachine& action);
    Outcome act(const ResumeMachine& action);
    Outcome act(const DeleteMachine& action);

    /// Starts it under a guard, which is kept until `release_guard`. Refuses when the row, read again now, is not exactly as desired.
    /// Refuses too when a VMM of the folder lives already: smolvm would say "running" of a boot that is not ours.
    /// On Done, `record` is what identifies the boot; when it fails, nothing of it is left running.
    Outcome start(const Machine& desired, const std::string& boot_id, std::chrono::milliseconds bound, StartRecord& record);
    /// The boot is proved and recorded.
    bool release_guard();

    const MachinePaths& paths() const { return paths_; }
    const std::string& machine() const { return machine_; }
    const std::optional<Smolvm>& smolvm() const { return smolvm_; }

private:
    ProcessResult run(const std::vector<std::string>& arguments, std::chrono::milliseconds deadline);
    Outcome verify_before_start(const Machine& desired, StartRecord& record) const;
    Outcome read_boot(std::uint64_t earliest, StartRecord& record) const;
    Observation<MachineRow> row() const;
    /// No VMM of the folder, and nobody holds its lock (a `machine start` that is still under way).
    bool none_lives(std::chrono::milliseconds patience) const;
    Outcome set_paused(bool paused);
    std::string living() const;
    void make_folders() const;

    MachinePaths paths_;
    std::string machine_;
    std::optional<Smolvm> smolvm_;
    ProcessRunner& runner_;
    MachineDeadlines deadlines_;
    std::unique_ptr<Guard> guard_;
};

}  // namespace bottle
