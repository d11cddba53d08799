#pragma once

#include "reconciler/observation.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

// The Unix sockets of a VM folder through which a running machine's policy can be changed (smolvm 1.32.2: egress.sock, ports.sock, control.sock, port-forward.sock),
// and what one change of it leaves behind. agent.sock is none: exec, copy and stop go through it, and it changes nothing of the policy; nor are agent.ready and
// agent.logs, through which the guest's agent speaks to the host.
namespace bottle {

/// Everything through which the machine of this folder could be changed, or was: names of sockets that are there, those of the agent left out;
/// egress-update.lock; for each sealed socket "a connection to NAME", if one is held: it outlives the name, and works on; and the folder itself, where
/// its mode lets other users in.
/// Unknown when the folder or the kernel's list of Unix sockets cannot be read. No folder: empty.
/// A connection that was made and closed before the seal leaves no trace (1.32.2); only the firewall bounds what it can have opened.
Observation<std::set<std::string>> live_channels(const std::string& vm_folder);

/// Takes the sockets' names away. Returns empty, or why the machine cannot be called sealed: a name cannot be removed; its socket has a second
/// name somewhere, or had lost its name already while the VMM listens on it; a connection to it is held; a socket that is not known is there.
std::string seal_channels(const std::string& vm_folder);

/// What an earlier boot left of all this, for a folder in which nothing runs: also the socket of a kind of network that the next start does not have
/// (port-forward.sock of one on TSI stays, 1.32.2). Returns empty, or what could not be removed.
std::string clear_channels(const std::string& vm_folder);

/// Before a start by a user who is not root: makes the folder, or keeps it, one that nobody else may enter. As root smolvm makes it 0700 itself, at each
/// start; without a uid of the VMM's own it makes it as the umask says, and leaves one that is there as it is (1.32.2). Returns empty, or what failed.
std::string shut_folder(const std::string& vm_folder);

/// A Unix socket that is bound to a path, as /proc/net/unix lists it (Linux 6.1, net/unix/af_unix.c).
struct BoundSocket {
    std::string path;        ///< as whoever bound it called it; a connection has that of the socket that it was made to
    bool listens = false;
    bool connected = false;  ///< the listening side of a connection, accepted or not yet

    bool operator==(const BoundSocket&) const = default;
};

/// The sockets in such a list that have one of `paths`. Another user's socket may have a name with line ends in it: that can add to the answer, never take away from it.
std::vector<BoundSocket> find_bound_sockets(std::string_view list, const std::set<std::string>& paths);

}  // namespace bottle
