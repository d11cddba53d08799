#pragma once

#include "controllers/guest/invocation.h"
#include "reconciler/resources.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// What passes between the one who launches a workload, the keeper that holds it, and whoever looks at it later.
namespace bottle {

/// File names in the bottle's state folder.
inline constexpr const char* kWorkloadRecord = "workload.json";
inline constexpr const char* kWorkloadLock = "workload.lock";  ///< locked for as long as the keeper lives
inline constexpr const char* kWorkloadLog = "workload.log";    ///< older output: workload.log.1

/// What a workload is launched with, and what is later known of it.
struct WorkloadRecord {
    std::int64_t vmm_pid = 0;
    std::uint64_t vmm_start_time = 0;
    std::string spec_digest;
    std::int64_t keeper_pid = 0;
    std::map<std::string, std::string> secrets{};  ///< keyed fingerprints of the values that it gets, by the secret's name
    std::optional<int>
        exit_code;  ///< once it has ended: of the command, or 128 + the signal that ended smolvm's client

    bool operator==(const WorkloadRecord&) const = default;
};

std::string to_text(const WorkloadRecord& record);
/// Nothing if the text is not a whole record.
std::optional<WorkloadRecord> parse_record(std::string_view text);

/// What the keeper is told on its standard input; it holds the environment's values, so it is never a file or an
/// argument. Values of secrets never come to it.
struct KeeperRequest {
    SmolvmInvocation smolvm;
    Workload workload;
    std::string secrets_file{};  ///< where in the guest a script lies that sets its secrets (`GuestController::place_secrets`); empty: it has none
    WorkloadRecord record;  ///< without keeper_pid

    // No operator==: it is sent once and never compared.
};

std::string to_text(const KeeperRequest& request);
std::optional<KeeperRequest> parse_request(std::string_view text);

/// The words of the command in the guest: where there are secrets, by way of the guest's shell, which reads their file, removes it and becomes the command.
std::vector<std::string> workload_words(const KeeperRequest& request);
/// The same as smolvm's exec gets it.
SmolvmCommand workload_command(const KeeperRequest& request);

}  // namespace bottle
