#pragma once

#include "reconciler/observed.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What /proc says of processes and locks. Reads only, but for kill_and_confirm and signal_process.
namespace bottle {

/// Field 22 of /proc/PID/stat: clock ticks since boot. Nothing when the process is gone or cannot be read.
std::optional<std::uint64_t> process_start_time(std::int64_t pid);

/// Every process that runs a machine whose VM folder is `vm_folder` (absolute): `_boot-vm` in its argv, and after it a path beneath the
/// folder, be it by the same words or by another name of the same folder.
/// Unknown when /proc or a command line in it cannot be read, or such a process lives and its details cannot be read, but for those that the
/// kernel shows to root alone (`hidden`); one that ends meanwhile is left out. A process that names a variable twice in its environment cannot be read: which one counts is its own secret.
Observation<std::vector<VmmProcess>> find_vmm_processes(const std::string& vm_folder);

/// Identity of the file at `path` (following links); nothing when it is not there.
std::optional<FileIdentity> identify_file(const std::string& path);

/// Whether anybody holds a lock (flock or fcntl) on the file, from /proc/locks, without opening it: to close a file that SQLite has open
/// would drop SQLite's locks in this process. Absent: there is no such file. A link is not followed.
Observation<bool> lock_is_held(const std::string& path);

/// Ends a process for certain, if it still is the one that started at `start_time`: SIGKILL through a pidfd, then its death is awaited.
/// True when it is dead, or was already; false when it lives after `deadline`, or cannot be told from another.
bool kill_and_confirm(std::int64_t pid, std::uint64_t start_time, std::chrono::milliseconds deadline);

/// Sends a signal through a pidfd, if the process still is the one that started at `start_time`. False when it is not, or the kernel refuses.
bool signal_process(std::int64_t pid, std::uint64_t start_time, int signal);

/// Ids of all processes. Unknown when /proc cannot be listed.
Observation<std::vector<std::int64_t>> all_processes();

/// Whether `ancestor` is a parent of the process, or of its parent, and so on. False too when that cannot be read.
bool descends_from(std::int64_t pid, std::int64_t ancestor);

/// Ids of the processes that have `parent` as their parent now, zombies included.
std::vector<std::int64_t> children_of(std::int64_t parent);

}  // namespace bottle
