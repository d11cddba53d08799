#pragma once

#include "reconciler/diff.h"

#include <string>
#include <vector>

// Mode socket: where on the host the mounted socket lies. Whoever can exchange that file decides what the guest talks to, so the folder is infra's alone,
// and the file is the one that infra made.
namespace bottle {

/// The permissions of the folder: its group, where it has one, may pass it.
unsigned folder_mode(const SocketFolder& want);

/// What differs in the folder itself: that it is not there, whose it is, who may enter it; empty: nothing. Only of a look that is not unknown.
std::string compare_socket_folder(const Observation<SocketPlace>& place, const SocketFolder& want);

/// The one socket in the folder as "device:inode:ctime" (ext4 gives a file that is made anew the inode of the one before, measured); empty, with `problem` set, where the folder or what is in it is not as it shall be.
std::string socket_identity(const Observation<SocketPlace>& place, const SocketFolder& want, std::string& problem);

/// The folder, and what a running infra has in it, against what shall be and what infra made at our start of it: infra is made anew with it. None while
/// Docker or the place cannot be read: the evidence says so.
std::vector<Change> diff_socket_place(const Desired& desired, const Snapshot& snapshot);

}  // namespace bottle
