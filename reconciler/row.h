#pragma once

#include "reconciler/resources.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// A row of smolvm's table `vms`: one JSON object. Key by key it is compared with the one good value; a key that is not known is a
// difference. The table of keys is that of 1.4.0, 1.8.3 and 1.32.2, measured; for a machine on TSI that of 0.8.0 to 1.1.2, from their source.
namespace bottle {

/// The machine's own process, which does nothing; the image must have it. Without a command of its own a start runs what config.json in the image's folder names as
/// entrypoint or command (smolvm 1.32.2, measured): before any proof.
inline const std::vector<std::string> kInertCommand = {"sleep", "infinity"};

/// How a difference in the row can be repaired, on a stopped machine.
enum class RowFix {
    SetAllowlist,     ///< network, allowed_cidrs, dns_filter_hosts: spliced into the text, or out of it
    UpdateResources,  ///< cpus, mem: `smolvm machine update`
    Recreate,         ///< anything else: only a new machine, without these disks
};

struct RowProblem {
    std::string key;
    std::string text;  ///< in plain words, with the consequence
    RowFix fix = RowFix::Recreate;

    bool operator==(const RowProblem&) const = default;
};

enum class RowStage {
    Offline,   ///< as created: network false, allowed_cidrs null, no dns_filter_hosts
    Confined,  ///< network true, exactly the one /32, dns_filter_hosts [], on TSI none; for a machine with a mounted socket as in Offline
};

/// Why a text of smolvm's (a row, agent.config.json) is not one plain JSON object that every reader reads alike; empty if it is. Refused are
/// duplicate and escaped keys at any level, more than 1 MiB, deeper than 32, trailing bytes, a byte order mark, NUL, and invalid UTF-8.
std::string distrust_of_object(const std::string& text);

/// Everything in the row's text that is not exactly as desired; empty if nothing. A text that distrust_of_object refuses is one problem of
/// fix Recreate.
std::vector<RowProblem> compare_row(const std::string& text, const Machine& desired, RowStage stage);

/// What smolvm notes down about its process: hints, never proof.
struct RowHints {
    std::string state;
    std::int64_t pid = 0;              ///< 0: null
    std::uint64_t pid_start_time = 0;  ///< 0: null
};
/// Nothing for a text that cannot be read.
std::optional<RowHints> read_row_hints(const std::string& text);

/// The allowlist as people read it: "10.231.0.2/32", "every address", "none".
std::string read_allowlist_text(const std::string& text);

/// The row without what smolvm itself rewrites at start and stop, in canonical form: its digest stays the same over a start (1.32.2 moves
/// dns_filter_hosts, changes state, pid, pid_start_time, init_completed, adds what an older one did not write, and drops what it does not know). The whole text for one that cannot be read.
std::string row_digest_material(const std::string& text);

}  // namespace bottle
