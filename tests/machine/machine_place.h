#pragma once

#include "controllers/machine/machine_controller.h"
#include "tests/guest/temp_folder.h"

#include <string>
#include <vector>

namespace bottle {

/// In the place of a version: the stand-in of this build.
inline constexpr const char* kStandIn = "";
/// And the stand-in of 1.1.2, the last on TSI.
inline constexpr const char* kStandInTsi = "stand-in 1.1.2";

/// The stand-in, or the real one of that version, whose folder BOTTLE_SMOLVM (the newest) or BOTTLE_SMOLVM_OLDER (a list with colons) names; a test without
/// it fails.
Smolvm smolvm_of(const std::string& version);

/// One machine in a state folder of its own, which is gone at the end together with every process of the machine.
class MachinePlace {
public:
    explicit MachinePlace(const std::string& version = kStandIn, MachineDeadlines deadlines = {});
    ~MachinePlace();
    MachinePlace(const MachinePlace&) = delete;
    MachinePlace& operator=(const MachinePlace&) = delete;

    /// What the stand-in shall do instead of its work: "start hang".
    void order(const std::string& text) const;
    /// A call of smolvm beside bottle's own.
    ProcessResult call(const std::vector<std::string>& words);
    /// Claimed, created, with its list: ready to start.
    void make();
    std::string row_text();
    void write_row(const std::string& text, bool blob = true);

    TempFolder folder;
    MachinePaths paths;
    Machine machine;
    Smolvm smolvm;
    SystemProcessRunner runner;
    MachineController controller;
};

}  // namespace bottle
