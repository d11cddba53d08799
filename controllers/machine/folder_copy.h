#pragma once

#include "reconciler/observation.h"

#include <string>

// Whole folders, with everything beneath them. No link is ever followed.
namespace bottle {

/// A digest of all that a folder holds: each entry's path, kind, mode, size, inode, times and link target. It changes
/// with every change of a file, for nobody but root can set back a ctime; to read the contents for that would take too
/// long for a look. Absent: no such folder.
Observation<std::string> folder_listing(const std::string& folder);

/// Copies `source` to `target`, which must not be there: folders, files, links and FIFOs, with their modes and times of
/// change. All of it becomes ours: owners are not kept, and what we could not read again later is made readable to us.
/// Devices and sockets are left out: a guest has its own. Then both are read again and compared. Throws
/// Error{Exit::Precondition} for what cannot be read, Error{Exit::Failed} for the rest.
void copy_folder(const std::string& source, const std::string& target);

/// Removes the folder, also what its modes keep even its owner from; nothing where it is not there. Throws
/// Error{Exit::Failed}.
void remove_folder(const std::string& folder);

}  // namespace bottle
